/** The whole way of a refusal back to a row, with a real Kafka and a real database. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Kafka, Sender } from '@millrace/core/kafka/kafka.ts';
import { encodeUnreadable, oversizeOf } from '@millrace/core/record/raw.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import { resetPipeline } from '@millrace/reset/reset.ts';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { readRefusals } from '../records/refusals.ts';
import { millrace, type Ran, startMillrace } from '../testing.ts';
import { redrive } from './redrive.ts';
import { type Selection, selector } from './select.ts';
import { pipelineOf, reading, startServers, TestFeed, type TestServers } from './testFeed.ts';

let servers: TestServers;
let folder: string;
let feed: TestFeed | undefined;

beforeAll(async () => {
  servers = await startServers();
  folder = mkdtempSync(join(tmpdir(), 'millrace-redrive-'));
}, 120_000);

afterEach(async () => {
  await feed?.stop();
  feed = undefined;
});

afterAll(async () => {
  await servers?.stop();
  if (folder) rmSync(folder, { recursive: true, force: true });
});

const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** A Pipeline whose strict rules have refused what is given, and whose roles run under the corrected ones. */
async function corrected(
  name: string,
  values: readonly (object | Buffer)[],
  change: (pipeline: Pipeline) => Pipeline = (pipeline) => pipeline,
): Promise<{ feed: TestFeed; pipeline: Pipeline }> {
  feed = new TestFeed(servers, name);
  await feed.start(pipelineOf(name));
  await feed.append(values);
  await feed.settled();
  const pipeline = change(pipelineOf(name, 1_000));
  await feed.start(pipeline);
  return { feed, pipeline };
}

const ALL: Selection = { ids: [], reasons: [], stages: [] };

async function sent(pipeline: Pipeline, selection: Partial<Selection> = {}, through: Kafka = servers.kafka, send = true) {
  const { isSelected } = selector({ ...ALL, ...selection });
  const signal = new AbortController().signal;
  const options = { isSelected, send, signal, progress: () => {} };
  return (await redrive(pipeline, { kafka: through, database: servers.database }, options)).counts;
}

/** A Pipeline file for the command. JSON is YAML. */
function fileOf(pipeline: Pipeline): string {
  const file = join(folder, `${pipeline.metadata.name}.yaml`);
  writeFileSync(file, JSON.stringify(pipeline));
  return file;
}

const run = (words: readonly string[]): Promise<Ran> => millrace([...words, '--data', join(folder, 'none')], servers.env);

async function refusals({ names }: TestFeed) {
  return Array.fromAsync((await readRefusals(servers.kafka, names.dlq)).refused);
}

test('after the specification is corrected, refused records become rows with their values, each once; a dry run sends nothing', {
  timeout: 300_000,
}, async () => {
  const array = [reading(20), reading(21, 77), reading(22, 5_000), [reading(23)], 7];
  const { feed, pipeline } = await corrected('whole', [reading(0), reading(1, 500), array, reading(2), Buffer.from('{"n":3')]);
  const file = fileOf(pipeline);
  const before = await feed.records(feed.names.raw);

  const dry = await run(['dlq', 'redrive', file]);
  expect([dry.code, dry.stderr]).toEqual([0, '']);
  expect(dry.stdout).toMatch(/^default\/whole: 6 refusals, 6 selected\n/);
  expect(dry.stdout).toMatch(/validate +range +3 +2 +1 +0 +0\n/);
  expect(dry.stdout).toMatch(/decode +type +2 +0 +2 +0 +0\n/);
  expect(dry.stdout).toContain('4 refusals would be refused again under this specification:');
  expect(dry.stdout).toMatch(/\ndry run: nothing was sent. With --yes 6 refusals would be sent to the raw topic again\n$/);
  expect(await feed.records(feed.names.raw)).toBe(before);

  const ran = await run(['dlq', 'redrive', file, '--yes']);
  expect([ran.code, ran.stderr]).toEqual([0, '']);
  expect(ran.stdout).toMatch(/\n6 refusals sent\. /);
  await feed.settled();
  expect(await feed.stored()).toEqual([0, 1, 2, 20, 21]);
  const { rows } = await servers.database.query('SELECT n, device, value, time FROM "default".whole WHERE value > 10 ORDER BY n');
  expect(rows.map((row) => ({ ...row, time: row.time.getTime() }))).toEqual([
    { n: '1', device: 'd1', value: '500', time: 1_700_000_000_001 },
    { n: '21', device: 'd0', value: '77', time: 1_700_000_000_021 },
  ]);
  expect(await feed.audited(pipeline)).toEqual([]);

  const list = (await run(['dlq', 'list', file])).stdout;
  expect(list).toMatch(/element 0 of the array is an array/);
  expect(list).toMatch(/4 refusals shown of 4; 2 redriven and stored since \(--all shows them, too\)\n$/);
  expect((await run(['dlq', 'list', file, '--all'])).stdout.match(/ stored {2}/g)).toHaveLength(2);

  // What fails again fails each time that somebody sends it, once; what is stored is left alone.
  const dlq = await feed.records(feed.names.dlq);
  expect(await sent(pipeline)).toMatchObject({ looked: 6, redriven: 2, sent: 4 });
  await feed.settled();
  expect(await feed.records(feed.names.dlq)).toBe(dlq + 4);
  expect(await feed.stored()).toEqual([0, 1, 2, 20, 21]);
  const all = await refusals(feed);
  expect(all).toHaveLength(6);
  expect(all.map(({ refusal }) => refusal.redrive?.attempt ?? 0).toSorted()).toEqual([0, 0, 2, 2, 2, 2]);
  expect(await feed.audited(pipeline)).toEqual([]);
});

test('a selection by stage, reason or identity touches nothing else', { timeout: 300_000 }, async () => {
  const { feed, pipeline } = await corrected('select', [
    ...upTo(4).map((n) => reading(n, 100 + n)),
    Buffer.from('{'),
    { n: 5, ts: 1 },
    reading(6, 106),
    Buffer.from('}'),
  ]);
  expect(await sent(pipeline, { reasons: ['missing'] })).toMatchObject({ selected: 1, sent: 1 });
  expect(await sent(pipeline, { stages: ['decode'], reasons: ['parse', 'range'] })).toMatchObject({ selected: 2, sent: 2 });
  await feed.settled();
  expect(await feed.stored()).toEqual([]);
  const [first, second] = (await refusals(feed)).filter(({ refusal }) => refusal.reason === 'range');
  const file = fileOf(pipeline);
  const ran = await run(['dlq', 'redrive', file, '--yes', '--id', String(first?.id), '--id', '0:99', '--json']);
  expect(JSON.parse(ran.stdout)).toMatchObject({ dryRun: false, looked: 8, selected: 1, sent: 1 });
  expect([ran.code, ran.stderr]).toEqual([1, expect.stringContaining('default.select.dlq has no refusal 0:99; ')]);
  const place = `${second?.refusal.partition}:${second?.refusal.origin.offset}`;
  await run(['dlq', 'redrive', file, '--yes', '--id', place, '--id', String(first?.id)]);
  await feed.settled();
  const wanted = [first, second].map((one) => Number(JSON.parse(String(one?.record.value)).n)).toSorted();
  expect(await feed.stored()).toEqual(wanted);
});

test('a redrive that is killed midway and run twice again stores each row once', { timeout: 400_000 }, async () => {
  const many = 8_000;
  const { feed, pipeline } = await corrected(
    'killed',
    upTo(many).map((n) => reading(n, 100)),
  );
  await feed.stop(); // so that what is sent twice is not stored before it is sent again
  const words = ['dlq', 'redrive', fileOf(pipeline), '--yes', '--data', join(folder, 'none')];
  const first = startMillrace(words, servers.env);
  await expect.poll(() => feed.records(feed.names.raw), { timeout: 60_000, interval: 20 }).toBeGreaterThan(many);
  first.kill('SIGKILL');
  expect((await first.ended).code).toBe(null);
  const killedAt = (await feed.records(feed.names.raw)) - many;
  expect(killedAt, 'a kill after the end proves nothing').toBeLessThan(many);
  expect((await startMillrace(words, servers.env).ended).stdout).toContain('8,000 refusals sent');
  await feed.start(pipeline);
  await feed.settled();
  expect(await feed.stored()).toEqual(upTo(many));
  expect((await startMillrace(words, servers.env).ended).stdout).toContain(
    '8,000 selected, 8,000 of them redriven and stored before',
  );
  expect(await feed.audited(pipeline)).toEqual([]);
  expect(await feed.records(feed.names.raw)).toBe(2 * many + killedAt);
});

test('redrives at the same time, under a live feed, store each row once', { timeout: 400_000 }, async () => {
  const many = 3_000;
  const { feed, pipeline } = await corrected(
    'twice',
    upTo(many).map((n) => reading(n, 100)),
  );
  let live = many;
  let isFeeding = true;
  const feeding = (async () => {
    for (; isFeeding; live += 50) await feed.append(upTo(50).map((n) => reading(live + n)));
  })();
  const words = ['dlq', 'redrive', fileOf(pipeline), '--yes', '--data', join(folder, 'none')];
  await feed.stop(); // so that both send all
  const both = await Promise.all([1, 2].map(() => startMillrace(words, servers.env).ended));
  expect(both.map(({ code, stdout }) => [code, stdout.includes('3,000 refusals sent')])).toEqual([
    [0, true],
    [0, true],
  ]);
  await feed.start(pipeline);
  const third = await startMillrace(words, servers.env).ended; // while rows of the other two are stored
  expect(third.code).toBe(0);
  isFeeding = false;
  await feeding;
  await feed.settled();
  expect(await feed.stored()).toEqual(upTo(live));
  expect(await feed.audited(pipeline)).toEqual([]);
});

test('Ctrl-C ends it between two batches, says how far it came, and loses nothing', { timeout: 300_000 }, async () => {
  const many = 6_000;
  const { feed, pipeline } = await corrected(
    'interrupted',
    upTo(many).map((n) => reading(n, 100)),
  );
  const words = ['dlq', 'redrive', fileOf(pipeline), '--yes', '--data', join(folder, 'none')];
  const running = startMillrace(words, servers.env);
  await expect.poll(() => feed.records(feed.names.raw), { timeout: 60_000, interval: 20 }).toBeGreaterThan(many);
  running.kill('SIGINT');
  const { code, stdout } = await running.ended;
  expect(code).toBe(130);
  const [, said] = /interrupted: ([\d,]+) refusals sent/.exec(stdout) ?? [];
  expect(await feed.records(feed.names.raw)).toBe(many + Number(said?.replaceAll(',', '')));
  await startMillrace(words, servers.env).ended;
  await feed.settled();
  expect(await feed.stored()).toEqual(upTo(many));
});

test('a send that was written and never acknowledged ends the redrive with an error; the next one stores each row once', {
  timeout: 300_000,
}, async () => {
  const { feed, pipeline } = await corrected(
    'unanswered',
    upTo(1_500).map((n) => reading(n, 100)),
  );
  let sends = 0;
  const unanswered: Kafka = {
    ...servers.kafka,
    sender: (): Sender => {
      const sender = servers.kafka.sender();
      return {
        close: () => sender.close(),
        send: async (...args) => {
          const answer = await sender.send(...args);
          if (++sends === 2) throw new Error('no acknowledgement');
          return answer;
        },
      };
    },
  };
  await expect(sent(pipeline, {}, unanswered)).rejects.toThrow('no acknowledgement');
  await sent(pipeline);
  await feed.settled();
  expect(await feed.stored()).toEqual(upTo(1_500));
  expect(await feed.audited(pipeline)).toEqual([]);
});

test('rows that the database refused are made anew under the corrected rules; without their raw records they go as they are', {
  timeout: 300_000,
}, async () => {
  feed = new TestFeed(servers, 'database');
  const strict = pipelineOf('database');
  await feed.start(strict);
  await servers.database.query('ALTER TABLE "default".database ADD CHECK (value <> 9)');
  await feed.append([reading(0, 1), [reading(2, 9), reading(3, 2), reading(4, 9)], reading(1, 9), reading(5, 3)]);
  await feed.settled();
  expect(await feed.stored()).toEqual([0, 3, 5]);
  // Refused again by the database: under its identity, and neither stops its partition nor is lost.
  expect(await sent(strict)).toMatchObject({ sent: 3 });
  await feed.settled();
  expect((await refusals(feed)).map(({ refusal }) => [refusal.stage, refusal.redrive?.attempt])).toEqual(
    upTo(3).map(() => ['store', 1]),
  );
  const scaled = pipelineOf('database', 10, {});
  scaled.spec.record.derive = [{ name: 'twice', type: 'int', cel: 'value * 2' }];
  await feed.start(scaled);
  await servers.database.query('ALTER TABLE "default".database DROP CONSTRAINT database_value_check');
  const last = (await refusals(feed)).at(-1);
  expect(await sent(scaled, { ids: [String(last?.id)] })).toMatchObject({ sent: 1 });
  await feed.settled();
  const { rows } = await servers.database.query('SELECT n, twice FROM "default".database WHERE value = 9');
  expect(rows).toMatchObject([{ twice: '18' }]);

  await feed.stop();
  await servers.kafka.deleteTopic(feed.names.raw);
  await feed.start(scaled);
  expect(await sent(scaled)).toMatchObject({ redriven: 1, sent: 2 });
  await feed.settled();
  expect(await feed.stored()).toEqual([0, 1, 2, 3, 4, 5]);
  expect(await feed.audited(scaled)).toEqual([]);
  const { rows: all } = await servers.database.query('SELECT n, twice FROM "default".database WHERE value = 9 ORDER BY twice');
  expect(all.map(({ twice }) => twice)).toEqual(['18', null, null]);
});

test('what is kept in part is named and not sent, and sent whole where the raw topic still has it', {
  timeout: 300_000,
}, async () => {
  feed = new TestFeed(servers, 'large');
  const small = pipelineOf('large');
  small.spec.record.maxBytes = 2_000;
  await feed.start(small);
  const cut = reading(1, 7);
  const lost = Buffer.alloc(10_000, 'x');
  await feed.append([{ ...cut, more: 'y'.repeat(5_000) }]);
  const sender = servers.kafka.sender();
  const bySource = { message: 'too large', oversize: oversizeOf(lost) };
  const record = { key: Buffer.from('key'), value: lost.subarray(0, 100), headers: encodeUnreadable(bySource) };
  const broken = { key: Buffer.from('key'), value: Buffer.from('a;b'), headers: encodeUnreadable({ message: 'two values' }) };
  await sender.send(feed.names.raw, 0, [record, broken]);
  await sender.close();
  await feed.settled();
  const larger = pipelineOf('large');
  await feed.start(larger);
  const dry = await run(['dlq', 'redrive', fileOf(larger)]);
  expect(dry.stdout).toContain('2 refusals cannot be redriven:\n');
  expect(dry.stdout).toContain('  0:1  only the first 100 of 10,000 bytes are kept\n');
  expect(dry.stdout).toContain('  0:2  the source could not read it: correct it there, and send it anew\n');
  expect(await sent(larger)).toMatchObject({ selected: 3, sent: 1 });
  await feed.settled();
  expect(await feed.stored()).toEqual([1]);
});

test('partitions that were added since change nothing', { timeout: 300_000 }, async () => {
  const { feed, pipeline } = await corrected(
    'moved',
    upTo(40).map((n) => reading(n, 100)),
  );
  expect(await sent(pipeline, { ids: upTo(10).map((offset) => `0:${offset}`) })).toMatchObject({ sent: 10 });
  const larger = structuredClone(pipeline);
  larger.spec.topics = { partitions: 5 };
  await feed.start(larger);
  await feed.settled();
  expect(await feed.stored()).toHaveLength(10);
  expect(await sent(larger)).toMatchObject({ redriven: 10, sent: 30 });
  await feed.settled();
  expect(await feed.stored()).toEqual(upTo(40));
});

test('what a reset has made anew is named and not sent: it would be a second row', { timeout: 300_000 }, async () => {
  const { feed, pipeline } = await corrected(
    'anew',
    upTo(20).map((n) => reading(n, 100)),
  );
  expect(await sent(pipeline, { ids: ['0:0', '1:0'] })).toMatchObject({ sent: 2 });
  await feed.settled();
  const log = pino({ level: 'silent' });
  const options = { fromMs: null, apply: true, restart: false, signal: AbortSignal.timeout(60_000) };
  await resetPipeline(pipeline, { kafka: servers.kafka, database: servers.database, log }, options);
  expect(await feed.stored()).toEqual(upTo(20));
  await feed.append([reading(20, 5_000)]);
  await feed.settled();
  const counts = await sent(pipeline);
  expect([counts.redriven, counts.total('cannot'), counts.sent]).toEqual([2, 18, 1]);
  expect(counts.cannot[0]?.message).toMatch(/a reset has read its raw record anew since/);
  await feed.settled();
  expect(await feed.stored()).toEqual(upTo(20));
});
