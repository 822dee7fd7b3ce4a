/** The full audit against real servers and roles: what counts cannot see is found with its place and value. */
import { expect, test } from 'vitest';
import type { AuditResult } from '../result.ts';
import { type Feed, ROLES, useServers } from '../testFeed.ts';
import { fullAudit } from './full.ts';

const stage = useServers();

async function settledFeed(name: string, records: number, table = {}): Promise<Feed> {
  const made = await stage.feed(name, table);
  // Rows that the database refuses cost a search each, which so many records need not wait for.
  if (records >= 100_000) await made.sql(`ALTER TABLE ROWS DROP CONSTRAINT ${name}_n_check`);
  await made.startRoles(...ROLES);
  for (let n = 0; n < records; n += 5000) await made.send(n, Math.min(records, n + 5000));
  await made.settled();
  return made;
}

const look = ({ pipeline }: Feed): Promise<AuditResult> => fullAudit(pipeline, stage.servers);
const textsOf = ({ checks }: AuditResult): string[] =>
  checks.flatMap(({ name, findings }) => findings.map(({ text }) => `${name}: ${text}`));

test('one changed value in 100,000 rows is found, with both rows and the place it came from', { timeout: 600_000 }, async () => {
  const feed = await settledFeed('changed', 100_000);
  expect(textsOf(await look(feed))).toEqual([]);
  await feed.sql('UPDATE ROWS SET x = x + 1e-9 WHERE n = 54321');
  const result = await look(feed);
  expect(result.state).toBe('different');
  expect(result.checks.filter(({ state }) => state !== 'equal').map(({ name }) => name)).toEqual(['rows']);
  const [missing, foreign, ...others] = textsOf(result);
  expect(others).toEqual([]);
  expect(missing).toMatch(
    /^rows: rows in default.changed from default.changed.raw\/1 offset 27160 object 0, which holds .*54321/,
  );
  expect(foreign).toMatch(/^rows: rows in default.changed that no record made: .*"n":54321/);
});

test('a row that is gone and another that stands twice, which counts take for right, are found', {
  timeout: 120_000,
}, async () => {
  const feed = await settledFeed('swapped', 500);
  await feed.sql('DELETE FROM ROWS WHERE n = 1');
  await feed.sql('INSERT INTO ROWS SELECT * FROM ROWS WHERE n = 2');
  const [missing, twice, ...others] = textsOf(await look(feed));
  expect(others).toEqual([]);
  expect(missing).toMatch(/default.swapped.raw\/1 offset 0 object 0/);
  expect(twice).toMatch(/no record made: .*"n":2,/);
});

test('a processed record that no raw record gave, and one that is missing, are found by origin', {
  timeout: 120_000,
}, async () => {
  const feed = await settledFeed('origins', 200);
  await feed.stopRoles();
  const { names } = feed;
  // The processed topic made again without one record, and with one of an object that there is not.
  const kept = await Promise.all(
    (await stage.servers.kafka.bounds(names.processed)).map(({ end }, partition) =>
      Array.fromAsync(stage.servers.kafka.range(names.processed, partition, 0, end)),
    ),
  );
  await stage.servers.kafka.deleteTopic(names.processed);
  await stage.servers.kafka.createTopic({ name: names.processed, partitions: 2, config: {} });
  for (const [partition, records] of kept.entries()) {
    const again = records
      .filter((_, at) => partition === 1 || at !== 3)
      .map(({ key, value, headers }, at) => {
        const text = Object.fromEntries(Object.entries(headers).map(([name, bytes]) => [name, bytes.toString()]));
        const isOdd = partition === 1 && at === 5;
        return { key, value, headers: isOdd ? { ...text, origin: `${text.origin}`.replace(/:0:1$/, ':7:8') } : text };
      });
    await stage.servers.source.send(names.processed, partition, again);
  }
  const result = await look(feed);
  const texts = result.checks.find(({ name }) => name === 'origins')?.findings.map(({ text }) => text) ?? [];
  expect(texts.filter((text) => /raw\/0 offset \d+ object 0: it is no row and no refusal/.test(text))).toHaveLength(1);
  expect(texts.filter((text) => /raw\/1 offset \d+ object 7, where there is no such object/.test(text))).toHaveLength(1);
  expect(texts.filter((text) => /raw\/1 offset \d+ object 0: it is no row and no refusal/.test(text))).toHaveLength(1);
  expect(texts).toHaveLength(3);
});

test('rows of unique, of a recreated raw topic and of removed logs are no difference; what cannot be proved is said', {
  timeout: 180_000,
}, async () => {
  const merged = await settledFeed('merging', 400, { unique: { columns: ['device', 'time'], keep: 'last' } });
  expect(textsOf(await look(merged))).toEqual([]);
  await merged.sql('UPDATE ROWS SET x = 0 WHERE n = 399 OR n = 398 OR n = 397 OR n = 396');
  expect((await look(merged)).state).toBe('different');

  const feed = await settledFeed('regrown', 300);
  for (const topic of [feed.names.raw, feed.names.processed]) {
    const { 'message.timestamp.type': times = '' } = await stage.servers.kafka.topicConfig(topic);
    await stage.servers.kafka.deleteTopic(topic);
    await stage.servers.kafka.createTopic({ name: topic, partitions: 2, config: { 'message.timestamp.type': times } });
  }
  await feed.send(300, 400);
  await feed.settled();
  const result = await look(feed);
  expect(textsOf(result)).toEqual([]);
  expect(result.checks.find(({ name }) => name === 'rows')?.notes.join()).toMatch(/cannot be proved/);
});
