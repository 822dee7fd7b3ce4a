/**
 * The registry as a process keeps it: read whole, and again whenever somebody changes it (LISTEN/NOTIFY).
 *
 * Invariants:
 * - Nobody is shown a registry before one was read. While the database is away the last one that was read counts, and it is read whole
 *   again on the next connection: what was told meanwhile went to nobody.
 * - LISTEN comes before the read on the same connection, so that a change is in the read or told after it.
 * - One connection, whatever the number of those who watch; it is asked something every minute, so that one that has gone without a word
 *   is noticed, and a notification that a pooler swallowed costs a minute.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { describeDatabaseError } from '@millrace/core/database/describe.ts';
import type { Logger } from '@millrace/core/log.ts';
import type { Pool, PoolClient } from 'pg';
import { readContent } from './content.ts';
import { type Registry, type RegistryView, registryOf } from './registry.ts';

const CHANNEL = 'millrace_registry';
const FIRST_DELAY_MS = 200;
const LONGEST_DELAY_MS = 10_000;
const LOOK_MS = 60_000;

export interface WatchedRegistry {
  /** @throws Error where it was not read yet */
  view: RegistryView;
  /** Why it was not read yet, in one line for people; null: it was. */
  waitsFor(): string | null;
  /** Times that it was read. */
  reads(): number;
  stop(): Promise<void>;
}

/** Starts to watch; never throws for a database that is away. @param lookMs for tests to shorten */
export function watchRegistry(pool: Pool, log: Logger, lookMs = LOOK_MS): WatchedRegistry {
  const stopping = new AbortController();
  let registry: Registry | null = null;
  let trouble = 'the database was not asked yet';
  let reads = 0;
  const ended = run();
  return {
    view: () => {
      if (registry === null) throw new Error(waiting());
      return registry;
    },
    waitsFor: () => (registry === null ? waiting() : null),
    reads: () => reads,
    stop: async () => {
      stopping.abort();
      await ended;
    },
  };

  function waiting(): string {
    return `the device registry was not read yet: ${trouble}`;
  }

  async function run(): Promise<void> {
    let failures = 0;
    while (!stopping.signal.aborted) {
      const before = reads;
      try {
        await listen();
      } catch (error) {
        failures = reads > before ? 1 : failures + 1;
        trouble = describeDatabaseError(error, 'of the registry');
        const delayMs = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(failures - 1, 10));
        log.warn({ error: trouble, delayMs, kept: registry !== null }, 'the device registry cannot be watched; trying again');
        await sleep(delayMs, undefined, { signal: stopping.signal }).catch(() => undefined); // an abort ends the wait, nothing else can
      }
    }
  }

  /** Until the signal; rejects when the connection breaks. */
  async function listen(): Promise<void> {
    const client = await pool.connect();
    const told = new Flag();
    let broken: Error | null = null;
    const fail = (error: Error): void => {
      broken ??= error;
      told.raise();
    };
    client.on('error', fail);
    client.on('end', () => fail(new Error('the connection was closed')));
    client.on('notification', () => told.raise());
    const stop = (): void => told.raise();
    stopping.signal.addEventListener('abort', stop, { once: true });
    try {
      await client.query(`LISTEN ${CHANNEL}`);
      while (!stopping.signal.aborted) {
        told.lower();
        await read(client);
        await told.raised(lookMs);
        if (broken !== null) throw broken;
      }
    } finally {
      stopping.signal.removeEventListener('abort', stop);
      client.release(true); // it listens: nobody else must get it
    }
  }

  async function read(client: PoolClient): Promise<void> {
    const next = registryOf(await readContent(client));
    if (registry === null) log.info({ devices: next.size }, 'device registry read');
    registry = next;
    reads += 1;
  }
}

/** Something that happens, and may have happened before anybody waits for it. */
class Flag {
  #isRaised = false;
  #wake: () => void = () => {};

  raise(): void {
    this.#isRaised = true;
    this.#wake();
  }

  lower(): void {
    this.#isRaised = false;
  }

  /** Resolves when it is raised, or after so long. */
  async raised(timeoutMs: number): Promise<void> {
    if (this.#isRaised) return;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      timer = setTimeout(resolve, timeoutMs);
    });
    clearTimeout(timer);
    this.#wake = () => {};
  }
}
