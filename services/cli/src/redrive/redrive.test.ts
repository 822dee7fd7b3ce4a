/** The whole way of a refusal back to a row, with a real Kafka and a real database. */
import { encodeUnreadable, oversizeOf } from '@millrace/core/record/raw.ts';
import { resetPipeline } from '@millrace/reset/reset.ts';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { pipelineOf, reading } from './testFeed.ts';
import { upTo, useServers } from './testRedrive.ts';

const stage = useServers();

test('after the specification is corrected, refused records become rows with their values, each once; a dry run sends nothing', {
  timeout: 300_000,
}, async () => {
  const array = [reading(20), reading(21, 77), reading(22, 5_000), [reading(23)], 7];
  const { feed, pipeline } = await stage.corrected('whole', [
    reading(0),
    reading(1, 500),
    array,
    reading(2),
    Buffer.from('{"n":3'),
  ]);
  const file = stage.fileOf(pipeline);
  const before = await feed.records(feed.names.raw);

  const dry = await stage.run(['dlq', 'redrive', file]);
  expect([dry.code, dry.stderr]).toEqual([0, '']);
  expect(dry.stdout).toMatch(/^default\/whole: 6 refusals, 6 selected\n/);
  expect(dry.stdout).toMatch(/validate +range +3 +2 +1 +0 +0\n/);
  expect(dry.stdout).toMatch(/decode +type +2 +0 +2 +0 +0\n/);
  expect(dry.stdout).toContain('4 refusals would be refused again under this specification:');
  expect(dry.stdout).toMatch(/\ndry run: nothing was sent. With --yes 6 refusals would be sent to the raw topic again\n$/);
  expect(await feed.records(feed.names.raw)).toBe(before);

  const ran = await stage.run(['dlq', 'redrive', file, '--yes']);
  expect([ran.code, ran.stderr]).toEqual([0, '']);
  expect(ran.stdout).toMatch(/\n6 refusals sent\. /);
  await feed.settled();
  expect(await feed.stored()).toEqual([0, 1, 2, 20, 21]);
  const { rows } = await stage.servers.database.query(
    'SELECT n, device, value, time FROM "default".whole WHERE value > 10 ORDER BY n',
  );
  expect(rows.map((row) => ({ ...row, time: row.time.getTime() }))).toEqual([
    { n: '1', device: 'd1', value: '500', time: 1_700_000_000_001 },
    { n: '21', device: 'd0', value: '77', time: 1_700_000_000_021 },
  ]);
  expect(await feed.audited(pipeline)).toEqual([]);

  const list = (await stage.run(['dlq', 'list', file])).stdout;
  expect(list).toMatch(/element 0 of the array is an array/);
  expect(list).toMatch(/4 refusals shown of 4; 2 redriven and stored since \(--all shows them, too\)\n$/);
  expect((await stage.run(['dlq', 'list', file, '--all'])).stdout.match(/ stored {2}/g)).toHaveLength(2);

  // What fails again fails each time that somebody sends it, once; what is stored is left alone.
  const dlq = await feed.records(feed.names.dlq);
  expect(await stage.sent(pipeline)).toMatchObject({ looked: 6, redriven: 2, sent: 4 });
  await feed.settled();
  expect(await feed.records(feed.names.dlq)).toBe(dlq + 4);
  expect(await feed.stored()).toEqual([0, 1, 2, 20, 21]);
  const all = await stage.refusals(feed);
  expect(all).toHaveLength(6);
  expect(all.map(({ refusal }) => refusal.redrive?.attempt ?? 0).toSorted()).toEqual([0, 0, 2, 2, 2, 2]);
  expect(await feed.audited(pipeline)).toEqual([]);
});

test('a selection by stage, reason or identity touches nothing else', { timeout: 300_000 }, async () => {
  const { feed, pipeline } = await stage.corrected('select', [
    ...upTo(4).map((n) => reading(n, 100 + n)),
    Buffer.from('{'),
    { n: 5, ts: 1 },
    reading(6, 106),
    Buffer.from('}'),
  ]);
  expect(await stage.sent(pipeline, { reasons: ['missing'] })).toMatchObject({ selected: 1, sent: 1 });
  expect(await stage.sent(pipeline, { stages: ['decode'], reasons: ['parse', 'range'] })).toMatchObject({ selected: 2, sent: 2 });
  await feed.settled();
  expect(await feed.stored()).toEqual([]);
  const [first, second] = (await stage.refusals(feed)).filter(({ refusal }) => refusal.reason === 'range');
  const file = stage.fileOf(pipeline);
  const ran = await stage.run(['dlq', 'redrive', file, '--yes', '--id', String(first?.id), '--id', '0:99', '--json']);
  expect(JSON.parse(ran.stdout)).toMatchObject({ dryRun: false, looked: 8, selected: 1, sent: 1 });
  expect([ran.code, ran.stderr]).toEqual([1, expect.stringContaining('default.select.dlq has no refusal 0:99; ')]);
  const place = `${second?.refusal.partition}:${second?.refusal.origin.offset}`;
  await stage.run(['dlq', 'redrive', file, '--yes', '--id', place, '--id', String(first?.id)]);
  await feed.settled();
  const wanted = [first, second].map((one) => Number(JSON.parse(String(one?.record.value)).n)).toSorted();
  expect(await feed.stored()).toEqual(wanted);
});

test('rows that the database refused are made anew under the corrected rules; without their raw records they go as they are', {
  timeout: 300_000,
}, async () => {
  const feed = stage.feed('database');
  const strict = pipelineOf('database');
  await feed.start(strict);
  await stage.servers.database.query('ALTER TABLE "default".database ADD CHECK (value <> 9)');
  await feed.append([reading(0, 1), [reading(2, 9), reading(3, 2), reading(4, 9)], reading(1, 9), reading(5, 3)]);
  await feed.settled();
  expect(await feed.stored()).toEqual([0, 3, 5]);
  // Refused again by the database: under its identity, and neither stops its partition nor is lost.
  expect(await stage.sent(strict)).toMatchObject({ sent: 3 });
  await feed.settled();
  expect((await stage.refusals(feed)).map(({ refusal }) => [refusal.stage, refusal.redrive?.attempt])).toEqual(
    upTo(3).map(() => ['store', 1]),
  );
  const scaled = pipelineOf('database', 10, {});
  scaled.spec.record.derive = [{ name: 'twice', type: 'int', cel: 'value * 2' }];
  await feed.start(scaled);
  await stage.servers.database.query('ALTER TABLE "default".database DROP CONSTRAINT database_value_check');
  const last = (await stage.refusals(feed)).at(-1);
  expect(await stage.sent(scaled, { ids: [String(last?.id)] })).toMatchObject({ sent: 1 });
  await feed.settled();
  const { rows } = await stage.servers.database.query('SELECT n, twice FROM "default".database WHERE value = 9');
  expect(rows).toMatchObject([{ twice: '18' }]);

  await feed.stop();
  await stage.servers.kafka.deleteTopic(feed.names.raw);
  await feed.start(scaled);
  expect(await stage.sent(scaled)).toMatchObject({ redriven: 1, sent: 2 });
  await feed.settled();
  expect(await feed.stored()).toEqual([0, 1, 2, 3, 4, 5]);
  expect(await feed.audited(scaled)).toEqual([]);
  const { rows: all } = await stage.servers.database.query(
    'SELECT n, twice FROM "default".database WHERE value = 9 ORDER BY twice',
  );
  expect(all.map(({ twice }) => twice)).toEqual(['18', null, null]);
});

test('what is kept in part is named and not sent, and sent whole where the raw topic still has it', {
  timeout: 300_000,
}, async () => {
  const feed = stage.feed('large');
  const small = pipelineOf('large');
  small.spec.record.maxBytes = 2_000;
  await feed.start(small);
  const cut = reading(1, 7);
  const lost = Buffer.alloc(10_000, 'x');
  await feed.append([{ ...cut, more: 'y'.repeat(5_000) }]);
  const sender = stage.servers.kafka.sender();
  const bySource = { message: 'too large', oversize: oversizeOf(lost) };
  const record = { key: Buffer.from('key'), value: lost.subarray(0, 100), headers: encodeUnreadable(bySource) };
  const broken = { key: Buffer.from('key'), value: Buffer.from('a;b'), headers: encodeUnreadable({ message: 'two values' }) };
  await sender.send(feed.names.raw, 0, [record, broken]);
  await sender.close();
  await feed.settled();
  const larger = pipelineOf('large');
  await feed.start(larger);
  const dry = await stage.run(['dlq', 'redrive', stage.fileOf(larger)]);
  expect(dry.stdout).toContain('2 refusals cannot be redriven:\n');
  expect(dry.stdout).toContain('  0:1  only the first 100 of 10,000 bytes are kept\n');
  expect(dry.stdout).toContain('  0:2  the source could not read it: correct it there, and send it anew\n');
  expect(await stage.sent(larger)).toMatchObject({ selected: 3, sent: 1 });
  await feed.settled();
  expect(await feed.stored()).toEqual([1]);
});

test('partitions that were added since change nothing', { timeout: 300_000 }, async () => {
  const { feed, pipeline } = await stage.corrected(
    'moved',
    upTo(40).map((n) => reading(n, 100)),
  );
  expect(await stage.sent(pipeline, { ids: upTo(10).map((offset) => `0:${offset}`) })).toMatchObject({ sent: 10 });
  const larger = structuredClone(pipeline);
  larger.spec.topics = { partitions: 5 };
  await feed.start(larger);
  await feed.settled();
  expect(await feed.stored()).toHaveLength(10);
  expect(await stage.sent(larger)).toMatchObject({ redriven: 10, sent: 30 });
  await feed.settled();
  expect(await feed.stored()).toEqual(upTo(40));
});

test('what a reset has made anew is named and not sent: it would be a second row', { timeout: 300_000 }, async () => {
  const { feed, pipeline } = await stage.corrected(
    'anew',
    upTo(20).map((n) => reading(n, 100)),
  );
  expect(await stage.sent(pipeline, { ids: ['0:0', '1:0'] })).toMatchObject({ sent: 2 });
  await feed.settled();
  const log = pino({ level: 'silent' });
  const options = { fromMs: null, apply: true, restart: false, signal: AbortSignal.timeout(60_000) };
  await resetPipeline(pipeline, { kafka: stage.servers.kafka, database: stage.servers.database, log }, options);
  expect(await feed.stored()).toEqual(upTo(20));
  await feed.append([reading(20, 5_000)]);
  await feed.settled();
  const counts = await stage.sent(pipeline);
  expect([counts.redriven, counts.total('cannot'), counts.sent]).toEqual([2, 18, 1]);
  expect(counts.cannot[0]?.message).toMatch(/a reset has read its raw record anew since/);
  await feed.settled();
  expect(await feed.stored()).toEqual(upTo(20));
});
