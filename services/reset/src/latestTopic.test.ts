/** The topic of newest rows follows a reset: what the new table has is in it, and what only the old one had is not. */
import { differences, topicOf, unsentOf } from '@millrace/sink/latestTopic/testTopic.ts';
import { expect, test } from 'vitest';
import type { Rules } from './testing/feed.ts';
import { pipelineOf, send, sendOne, startRoles } from './testing/feed.ts';
import { RIGHT, useServers, WRONG } from './testing/stage.ts';

const stage = useServers();

test.each([
  ['in place of the old table', {}, 'replace'],
  ['into another table', { table: 'newest_other' }, 'hand over'],
] as const)('a reset %s', { timeout: 240_000 }, async (_where, other: Partial<Rules>, mode) => {
  const name = `newest-${mode.replace(' ', '-')}`;
  const loose = pipelineOf(name, { ...RIGHT, topic: true });
  // A device whose only record the corrected rules refuse.
  const strict = pipelineOf(name, { ...WRONG, topic: true, ...other });
  const servers = { kafka: stage.platform.kafka, pool: stage.platform.database };
  const isEqual = async (): Promise<unknown[]> => [await unsentOf(servers, strict), await differences(servers, strict)];
  await stage.setup(loose);
  await send(stage.platform.kafka, loose, 0, 500);
  await sendOne(stage.platform.kafka, loose, { t: '2026-01-01T00:00:01Z', device: 'gone', raw: 200, n: -1 });
  let roles = await startRoles(loose, stage.platform);
  await stage.settled(loose);
  await expect.poll(async () => (await topicOf(servers, loose)).size, { timeout: 60_000 }).toBe(8);

  expect(await stage.reset(strict)).toMatchObject({ applied: true, mode });
  if (mode === 'hand over') {
    await stage.setup(strict);
    await roles.stop();
    roles = await startRoles(strict, stage.platform);
  }
  await expect.poll(isEqual, { timeout: 60_000, interval: 500 }).toEqual([0, []]);
  expect([...(await topicOf(servers, strict)).keys()].some((key) => key.includes('gone'))).toBe(false);
  // And goes on.
  await sendOne(stage.platform.kafka, strict, { t: '2027-01-01T00:00:01Z', device: 'new', raw: 1, n: -2 });
  await stage.settled(strict);
  await expect.poll(async () => (await topicOf(servers, strict)).size, { timeout: 60_000 }).toBe(8);
  expect(await isEqual()).toEqual([0, []]);
  expect((await stage.setup(strict)).changes).toEqual([]);
  await roles.stop();
});
