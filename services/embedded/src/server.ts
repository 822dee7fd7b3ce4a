/**
 * A server that can be started again after it ended, until it is ended for good.
 *
 * Invariants: one process at a time; after `end` none is started.
 */
import { type Child, type ChildPlan, endChild, spawnChild, whenReady } from './child.ts';

export interface Server {
  /** Of the last start. */
  readonly pid: number;
  /** Resolves when the process of the last start has ended. */
  readonly exited: Promise<void>;
  /** Signals the process of the last start; nothing happens when it has ended. */
  kill(signal: NodeJS.Signals): void;
  /** Resolves when it is ready. Throws while it still runs, and after `end`. */
  start(): Promise<void>;
  /** Ends it by the plan's last signal, also a killed or frozen one. */
  end(): Promise<void>;
}

/**
 * @param endPatienceMs after which it is killed
 * @param prepare done before each start, once nothing runs
 */
export function server(plan: ChildPlan, endPatienceMs: number, prepare = () => {}): Server {
  let child: Child | undefined;
  let ending = false;
  const current = (): Child => {
    if (child === undefined) throw new Error(`${plan.name} has not been started`);
    return child;
  };
  return {
    get pid() {
      return current().pid;
    },
    get exited() {
      return current().exited.then(() => undefined);
    },
    kill: (signal) => current().kill(signal),
    start: async () => {
      if (ending) throw new Error(`${plan.name} has been stopped`);
      if (child !== undefined && child.ended === undefined) throw new Error(`${plan.name} still runs as process ${child.pid}`);
      prepare();
      child = spawnChild(plan);
      await whenReady(child, plan);
    },
    end: async () => {
      ending = true;
      if (child !== undefined) await endChild(child, plan.lastSignal, endPatienceMs);
    },
  };
}
