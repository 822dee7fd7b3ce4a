/** A reset that is killed, or started twice: it is done whole or not at all. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import { expect, test } from 'vitest';
import { derivedDifferences, expectedRows, pipelineOf, rowsIn, send, startFeed, startRoles } from './testing/feed.ts';
import { RIGHT, useServers, WRONG } from './testing/stage.ts';

const stage = useServers();

/** Runs a reset in a process of its own up to a step, and kills it there. */
async function killedAt(step: string, pipeline: Pipeline): Promise<void> {
  const script = fileURLToPath(new URL('./testing/stopAt.ts', import.meta.url));
  const env = {
    ...process.env,
    STEP: step,
    PIPELINE: JSON.stringify(pipeline),
    BROKERS: stage.platform.brokers.join(','),
    DATABASE: stage.platform.databaseUrl,
  };
  const child = spawn(process.execPath, [script], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const said = await new Promise<string>((resolve) => {
    child.stdout.setEncoding('utf8').on('data', resolve);
    child.once('exit', (code) => resolve(`exit ${code}`));
  });
  expect(said, step).toBe('there\n');
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await ended;
}

const STEPS = ['made', 'filling', 'caught up', 'locked', 'filled', 'renamed', 'committing'];

test('killed at any step, it is never half done, and run again it ends as if nothing had happened', {
  timeout: 240_000,
}, async () => {
  const wrong = pipelineOf('killed', WRONG);
  const right = pipelineOf('killed', RIGHT);
  await stage.setup(wrong);
  await send(stage.platform.kafka, wrong, 0, 2_000);
  const roles = await startRoles(right, stage.platform);
  const feed = startFeed(stage.platform.kafka, wrong, 2_000);
  await expect
    .poll(async () => (await rowsIn(stage.platform.database, 'killed')).length, { timeout: 60_000 })
    .toBeGreaterThan(1_800);
  for (const step of STEPS) {
    await killedAt(step, right);
    const { rows } = await stage.platform.database.query(`SELECT relname FROM pg_class WHERE relname LIKE 'killed\\_old%'`);
    expect(rows, `killed at ${step}`).toEqual([]);
    const before = (await rowsIn(stage.platform.database, 'killed')).length;
    await expect
      .poll(async () => (await rowsIn(stage.platform.database, 'killed')).length, { timeout: 60_000 })
      .toBeGreaterThan(before);
  }
  const report = await stage.reset(right);
  expect(report.applied).toBe(true);
  const count = await feed.stop();
  await stage.settled(right);
  await roles.stop();
  expect(await rowsIn(stage.platform.database, 'killed')).toEqual(expectedRows(count, RIGHT));
  expect(await derivedDifferences(stage.platform.database, 'killed')).toEqual({ rollup: 0, latest: 0 });
  await stage.expectAudit(right);
});

test('two at a time are refused', async () => {
  const pipeline = pipelineOf('twice', RIGHT);
  await stage.setup(pipeline);
  const second = { outcome: '' };
  await stage.reset(pipeline, {
    at: async (step) => {
      if (step === 'made')
        second.outcome = await stage.reset(pipeline).then(
          () => 'reset',
          (error: Error) => error.message,
        );
    },
  });
  expect(second.outcome).toBe('another reset of default/twice is running');
});
