/** One watch per database and process, shared by its Pipelines: each would cost a connection. */
import type { Logger } from '@millrace/core/log.ts';
import type { Pool } from 'pg';
import { type WatchedRegistry, watchRegistry } from './watch.ts';

const watches = new WeakMap<Pool, { watch: WatchedRegistry; users: number }>();

/** The last one to stop ends the watch. */
export function shareRegistry(pool: Pool, log: Logger): WatchedRegistry {
  const shared = watches.get(pool) ?? { watch: watchRegistry(pool, log), users: 0 };
  watches.set(pool, shared);
  shared.users += 1;
  let stopped = false;
  return {
    ...shared.watch,
    stop: async () => {
      if (stopped) return;
      stopped = true;
      shared.users -= 1;
      if (shared.users > 0) return;
      watches.delete(pool);
      await shared.watch.stop();
    },
  };
}
