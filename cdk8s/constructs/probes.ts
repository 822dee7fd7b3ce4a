/** How pods are asked: times for a loaded machine, so that slowness alone never ends a program. */
import { Duration } from 'cdk8s';
import * as kplus from 'cdk8s-plus-27';
import type { Probes } from './workload.ts';

/** Start: every second for two minutes. Ready: within seconds. Alive: given up after a minute and a half. */
const STARTUP = { periodSeconds: Duration.seconds(1), failureThreshold: 120, timeoutSeconds: Duration.seconds(5) };
const READINESS = { periodSeconds: Duration.seconds(5), failureThreshold: 2, timeoutSeconds: Duration.seconds(5) };
const LIVENESS = { periodSeconds: Duration.seconds(15), failureThreshold: 6, timeoutSeconds: Duration.seconds(10) };

/** @param alive answers while the process does; @param ready while it can take work */
export function httpProbes(port: number, alive: string, ready: string): Probes {
  return {
    startup: kplus.Probe.fromHttpGet(alive, { port, ...STARTUP }),
    readiness: kplus.Probe.fromHttpGet(ready, { port, ...READINESS }),
    liveness: kplus.Probe.fromHttpGet(alive, { port, ...LIVENESS }),
  };
}

/** For what speaks no HTTP: its port, and a command that asks it where there is a quick one. */
export function portProbes(port: number, ready?: string[]): Probes {
  return {
    startup: ready ? kplus.Probe.fromCommand(ready, STARTUP) : kplus.Probe.fromTcpSocket({ port, ...STARTUP }),
    readiness: ready ? kplus.Probe.fromCommand(ready, READINESS) : kplus.Probe.fromTcpSocket({ port, ...READINESS }),
    liveness: kplus.Probe.fromTcpSocket({ port, ...LIVENESS }),
  };
}
