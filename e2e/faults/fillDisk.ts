import type { Platform } from '../platform.ts';
import type { Fault } from './fault.ts';
import { until } from './until.ts';

const NOTICED_WITHIN_MS = 60_000;

/** The database's disk is full until a sink has met it, and gets room again. The server may end of it: it is started again. */
export const fillDisk: Fault = {
  name: 'fill disk',
  target: 'database',
  lacks: ({ disk }) => (disk === null ? 'a small disk, which takes the right to mount one' : null),
  async happen(platform) {
    const { disk, server } = platform;
    const before = complaints(platform);
    let ended = false;
    void server.exited.then(() => {
      ended = true;
    });
    disk?.fill();
    try {
      await until('a sink has met the full disk', NOTICED_WITHIN_MS, () => ended || complaints(platform) > before);
    } finally {
      disk?.free();
    }
    await until('the database takes sessions again', 30_000, async () => {
      if (ended) return true;
      await platform.database.query('select 1');
      return true;
    });
    if (!ended) return 'the sink paused';
    await server.start();
    return 'the server ended and was started again';
  },
};

function complaints(platform: Platform): number {
  const lines = [...platform.pids('sink').keys()].map((nth) => platform.logged('sink', nth)).join('');
  return lines.split(/No space left|recovery mode|53100/).length - 1;
}
