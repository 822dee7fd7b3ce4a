/** One run: servers, the measurements that were asked for on them, and what they gave. */
import type { Bench, Measurement } from '../measurements/measurement.ts';
import type { Outcome } from '../report/outcome.ts';
import type { Size } from '../sizes.ts';
import { type Backlog, makeBacklog } from './backlog.ts';
import { describeMachine, loadNow, type Machine } from './machine.ts';
import { ROLES, type RoleName } from './roleProcess.ts';
import { startServers } from './servers.ts';

const PARTITIONS = 6;

export interface Results {
  at: string;
  machine: Machine;
  size: Size;
  seconds: number;
  outcomes: Record<string, Outcome>;
}

export interface RunOptions {
  measurements: Readonly<Record<string, Measurement>>;
  size: Size;
  peers: boolean;
  say(line: string): void;
  /** Ends the run: the servers are stopped, and this rejects with the reason. What was measured then is left to fail by itself. */
  signal: AbortSignal;
}

/** @throws what the first measurement that failed threw; a run that lacks one gives no results */
export async function runBench({ measurements, size, peers, say, signal }: RunOptions): Promise<Results> {
  const at = new Date().toISOString();
  const startedMs = performance.now();
  const load = loadNow();
  const servers = await startServers();
  let made: Backlog | undefined;
  async function backlog(readyFor: RoleName): Promise<Backlog> {
    made ??= await makeBacklog(servers, [{ name: 'main', records: size.rows, partitions: PARTITIONS }]);
    for (const role of ROLES.slice(0, ROLES.indexOf(readyFor))) {
      if (made.runs[role].length > 0) continue;
      say(`${role}: working off ${size.rows.toLocaleString('en')} records`);
      await made.run(role);
    }
    return made;
  }
  const bench: Bench = { servers, size, peers, backlog, say };
  const ended = new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  ended.catch(() => {}); // whoever is measuring then hears of it
  try {
    signal.throwIfAborted();
    const outcomes: Record<string, Outcome> = {};
    for (const [name, measure] of Object.entries(measurements)) {
      say(name);
      outcomes[name] = await Promise.race([measure(bench), ended]);
    }
    await made?.remove();
    const seconds = Math.round((performance.now() - startedMs) / 1000);
    return { at, machine: await describeMachine(servers.postgresVersion, load), size, seconds, outcomes };
  } finally {
    await servers.stop();
  }
}
