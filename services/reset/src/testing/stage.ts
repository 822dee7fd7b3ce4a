/** For tests of a reset: servers for a file of tests, and what each of them does with a Pipeline. */
import { audit } from '@millrace/audit/audit.ts';
import { namesOf } from '@millrace/core/spec/names.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import { setupPipeline } from '@millrace/setup/setup.ts';
import { afterAll, beforeAll, expect } from 'vitest';
import { type ResetOptions, type ResetReport, resetPipeline } from '../reset.ts';
import { log, type Platform, startServers } from './feed.ts';

export const WRONG = { factor: 2, max: 100 };
export const RIGHT = { factor: 3, max: 1_000 };

export function useServers() {
  let platform: Platform | undefined;
  const started = (): Platform => {
    if (!platform) throw new Error('the servers start before the first test');
    return platform;
  };
  beforeAll(async () => {
    platform = await startServers();
  }, 120_000);
  afterAll(async () => {
    await platform?.stop();
  });

  const setup = (pipeline: Pipeline) => setupPipeline(pipeline, { ...started(), log });

  const reset = (pipeline: Pipeline, options: Partial<ResetOptions> = {}): Promise<ResetReport> =>
    resetPipeline(
      pipeline,
      { ...started(), log },
      { fromMs: null, apply: true, restart: false, signal: AbortSignal.timeout(120_000), ...options },
    );

  /** Waits until everything that was sent has been stored or refused by a sink, and the roll-ups are made. */
  async function settled(pipeline: Pipeline): Promise<void> {
    const { kafka, database } = started();
    const names = namesOf(pipeline);
    const rest = async (): Promise<string> => {
      const committed = await kafka.committed(names.processorGroup, names.raw);
      const raw = await kafka.bounds(names.raw);
      if (raw.some(({ end }, partition) => end > 0 && committed.get(partition)?.offset !== end)) return 'processor';
      const { rows } = await database.query('SELECT partition, next_offset FROM millrace.positions WHERE pipeline = $1', [
        names.pipeline,
      ]);
      const next = new Map(rows.map((row) => [row.partition, Number(row.next_offset)]));
      if ((await kafka.bounds(names.processed)).some(({ end }, partition) => end > 0 && next.get(partition) !== end))
        return 'sink';
      const touched = await database.query('SELECT FROM millrace.touched WHERE pipeline = $1 LIMIT 1', [names.pipeline]);
      return touched.rowCount === 0 ? 'nothing' : 'roll-ups';
    };
    await expect.poll(rest, { timeout: 60_000, interval: 200 }).toBe('nothing');
  }

  /** The audit finds nothing: what is stored is what was counted, and what the reset made of it. */
  async function expectAudit(pipeline: Pipeline): Promise<void> {
    const { state, checks } = await audit(pipeline, started());
    expect(
      checks.flatMap(({ findings }) => findings),
      JSON.stringify(
        checks.filter((check) => check.state !== 'equal'),
        null,
        1,
      ),
    ).toEqual([]);
    expect(state).toBe('equal');
  }

  return {
    get platform() {
      return started();
    },
    setup,
    reset,
    settled,
    expectAudit,
  };
}
