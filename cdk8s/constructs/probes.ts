/** How pods are asked: times for a loaded machine, so that slowness alone never ends a program. */
import { Duration } from 'cdk8s';
import * as kplus from 'cdk8s-plus-27';
import type { Probes } from './workload.ts';

/** Start: every second for two minutes. Ready: within seconds. Alive: given up after a minute and a half. */
const STARTUP = { periodSeconds: Duration.seconds(1), failureThreshold: 120, timeoutSeconds: Duration.seconds(5) };
/** Of servers: one that is killed while it recovers begins anew, and would never come to its end. */
const SERVER_STARTUP = { ...STARTUP, failureThreshold: 300 };
const SERVER_READINESS = { periodSeconds: Duration.seconds(2), failureThreshold: 5, timeoutSeconds: Duration.seconds(5) };
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

/** How a program without a page of its own for it says that it can take work. */
export type Ready = { port: number } | { path: string; port: number } | { command: string[] };

/** Started is what lives: reading its log through may take a server any time. @param alive a port that is open as long as the program lives, ready or not */
export function portProbes(alive: number, ready: Ready): Probes {
  return {
    startup: kplus.Probe.fromTcpSocket({ port: alive, ...SERVER_STARTUP }),
    readiness: ask(ready, SERVER_READINESS),
    liveness: kplus.Probe.fromTcpSocket({ port: alive, ...LIVENESS }),
  };
}

function ask(ready: Ready, times: kplus.ProbeOptions): kplus.Probe {
  if ('command' in ready) return kplus.Probe.fromCommand(ready.command, times);
  if ('path' in ready) return kplus.Probe.fromHttpGet(ready.path, { port: ready.port, ...times });
  return kplus.Probe.fromTcpSocket({ port: ready.port, ...times });
}
