/** The whole way of a small file, as a user runs it against servers that are there already, and what the other commands say then. */
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectDatabase } from '@millrace/core/database/connect.ts';
import { connectKafka } from '@millrace/core/kafka/connect.ts';
import { type EmbeddedKafka, startKafka } from '@millrace/embedded/kafka.ts';
import { type EmbeddedPostgres, startPostgres } from '@millrace/embedded/postgres.ts';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { millrace, startMillrace } from './testing.ts';

const log = pino({ level: 'silent' });
let folder: string;
let file: string;
let kafka: EmbeddedKafka;
let postgres: EmbeddedPostgres;
let env: Record<string, string>;

/** Twenty records of four devices: one out of range, one without a time, two of a device that is filtered out. */
const CSV = [
  'id,at,celsius,on',
  ...Array.from({ length: 16 }, (_, n) => `a${n % 3},2024-01-01T00:00:${String(n).padStart(2, '0')}Z,${n / 2},${n % 4 === 0}`),
  'a0,2024-01-01T00:01:00Z,999,true',
  'a1,,20,true',
  'spare,2024-01-01T00:01:02Z,1,false',
  'spare,2024-01-01T00:01:03Z,2,false',
].join('\n');

const SPEC = `
apiVersion: millrace.dev/v1alpha1
kind: Pipeline
metadata: { name: small }
spec:
  source: { replay: { path: small.csv } }
  topics: { partitions: 3 }
  record:
    key: id
    time: { field: at }
    fields:
      id: { type: text, required: true }
      celsius: { type: float, min: -50, max: 60, unit: °C }
      on: { type: bool }
    where: [{ name: spare, cel: "id != 'spare'" }]
  table: { name: small }
  rollups: [{ every: 1m, of: [celsius] }]
`;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-once-'));
  file = join(folder, 'small.yaml');
  writeFileSync(file, SPEC);
  writeFileSync(join(folder, 'small.csv'), CSV);
  [kafka, postgres] = await Promise.all([startKafka({ heapMegabytes: 128 }), startPostgres()]);
  env = { MILLRACE_KAFKA: kafka.brokers.join(','), MILLRACE_DATABASE: postgres.url };
}, 120_000);

afterAll(async () => {
  await Promise.all([kafka?.stop(), postgres?.stop()]);
  rmSync(folder, { recursive: true, force: true });
}, 60_000);

const run = (words: readonly string[]) => millrace([...words, '--data', join(folder, 'data')], env);

describe('run --once', () => {
  test('ends by itself with every record accounted for', { timeout: 120_000 }, async () => {
    const ran = await run(['run', file, '--once']);
    expect(ran.stdout).toContain(
      '20 small records accounted for: 20 read = 16 stored + 2 refused + 2 dropped\n  on: 4 true, 12 false\n',
    );
    expect([ran.code, ran.stderr]).toEqual([0, '']);
  });

  test('again finds nothing new, and the same counts for programs', { timeout: 120_000 }, async () => {
    const ran = await run(['run', file, '--once', '--json']);
    const last = JSON.parse(ran.stdout.trimEnd().split('\n').at(-1) ?? '') as Record<string, unknown>;
    expect(last).toMatchObject({
      pipeline: 'default/small',
      totals: { read: 20, stored: 16, refused: 2, dropped: 2, repeats: 0, lagMessages: 0 },
      problem: null,
      booleans: [{ column: 'on', true: 4, false: 12, null: 0 }],
    });
    expect(ran.code).toBe(0);
  });
});

test('a table that merges late corrections has its books in order', { timeout: 120_000 }, async () => {
  const merging = join(folder, 'merging.yaml');
  writeFileSync(
    merging,
    SPEC.replaceAll('small', 'merging').replace(
      'table: { name: merging }',
      'table: { name: merging, unique: { columns: [id, time] } }',
    ),
  );
  writeFileSync(join(folder, 'merging.csv'), `${CSV}\na0,2024-01-01T00:00:00Z,7,false\na0,2024-01-01T00:00:00Z,8,false`);
  const ran = await run(['run', merging, '--once']);
  expect(ran.stdout).toContain(
    '22 merging records accounted for: 22 read = 16 stored + 2 refused + 2 dropped + 2 merged\n  on: 3 true, 13 false\n',
  );
  expect([ran.code, ran.stderr]).toEqual([0, '']);
  expect((await run(['status', merging])).stdout).toContain('0 repeats left out, 2 merged');
});

test('status gives the same books, and leaves nothing open', async () => {
  const ran = await run(['status', file, '--json']);
  const [status] = JSON.parse(ran.stdout) as Record<string, unknown>[];
  expect(status).toMatchObject({
    pipeline: 'default/small',
    totals: { read: 20, stored: 16, refused: 2, dropped: 2 },
    unaccounted: 0,
    unfinished: null,
    checkpoint: { ordinal: 20, completed: true },
  });
  expect((await run(['status', file])).stdout).toMatch(
    /20 read: 16 stored, 2 refused, 2 dropped[\s\S]*all that arrived is stored/,
  );
});

test('logs are JSON lines with level, time, role and Pipeline, and hold no password', () => {
  const logs = join(folder, 'data', 'logs');
  const password = new URL(postgres.url).password;
  let events = 0;
  for (const name of readdirSync(logs)) {
    const text = readFileSync(join(logs, name), 'utf8');
    expect(text).not.toContain(password);
    if (text === '') continue; // a role that was ended before it said anything
    for (const line of text.trimEnd().split('\n')) {
      const event = JSON.parse(line) as Record<string, unknown>;
      events += 1;
      expect(event).toMatchObject({
        level: expect.stringMatching(/^(info|warn|error)$/),
        time: expect.stringMatching(/^\d{4}-.*Z$/),
        role: name.replace(/\.log.*/, ''),
      });
      if ('group' in event) expect(event).toHaveProperty('pipeline');
    }
  }
  expect(events).toBeGreaterThan(10);
});

test('tail shows the newest rows, the oldest of them first', async () => {
  const ran = await run(['tail', 'processed', file, '-n', '16', '--json']);
  const records = ran.stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { value: string; time: string; key: string });
  expect(records).toHaveLength(16);
  expect(records.map(({ time }) => time)).toEqual(records.map(({ time }) => time).toSorted());
  expect(records.map(({ value }) => (JSON.parse(value) as { celsius: number }).celsius).toSorted((a, b) => a - b)).toEqual(
    Array.from({ length: 16 }, (_, n) => n / 2),
  );
  expect((await run(['tail', 'raw', file, '-n', '2'])).stdout.trimEnd().split('\n')).toHaveLength(2);
});

describe('dlq', () => {
  test('list gives each refusal once, also when a killed processor wrote it twice', async () => {
    const client = connectKafka({ brokers: kafka.brokers, clientId: 'test', log });
    const topic = 'default.small.dlq';
    for (const [partition, { start, end }] of (await client.bounds(topic)).entries()) {
      const sender = client.sender();
      for await (const { key, value, headers } of client.range(topic, partition, start, end)) {
        const text = Object.fromEntries(Object.entries(headers).map(([name, bytes]) => [name, bytes.toString()]));
        await sender.send(topic, partition, [{ key, value, headers: text }]);
      }
      await sender.close();
    }
    await client.close();
    const refusals = (await run(['dlq', 'list', file, '--json'])).stdout.trimEnd().split('\n');
    const found = refusals.map((line) => JSON.parse(line) as { reason: string; message: string; record: { value: string } });
    expect(
      found
        .map(({ record }) => JSON.parse(record.value))
        .map(({ celsius }) => celsius)
        .toSorted(),
    ).toEqual(['20', '999']);
    const text = (await run(['dlq', 'list', file])).stdout;
    expect(text).toMatch(/celsius.*999/);
    expect(text).toContain('2 refusals shown of 2\n');
  });

  test('show gives one record whole, and says so when there is none', async () => {
    const [place] = /^\d+:\d+(?=.*999)/m.exec((await run(['dlq', 'list', file])).stdout) ?? [];
    const shown = await run(['dlq', 'show', file, String(place)]);
    expect(shown.stdout).toMatch(/stage +validate[\s\S]*value +\{.*"999"/);
    const none = await run(['dlq', 'show', file, '0:99999']);
    expect([none.code, none.stderr]).toEqual([1, expect.stringContaining('no refusal of record 0:99999')]);
  });
});

test('the example of the README does what the README says', { timeout: 120_000 }, async () => {
  const readme = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8');
  const blocks = (language: string) =>
    [...readme.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms'))].map((block) => String(block[1]));
  const place = mkdtempSync(join(folder, 'readme-'));
  writeFileSync(join(place, 'room.csv'), String(blocks('csv')[0]));
  writeFileSync(join(place, 'room.yaml'), String(blocks('yaml')[0]));
  const consoles = blocks('console');
  expect(consoles).toHaveLength(2);
  for (const block of consoles) {
    const [, words, output] = /^\$ scripts\/run millrace (.*)\n([\s\S]*)$/.exec(block) ?? [];
    const ran = await millrace(String(words).split(' '), env, place);
    expect([ran.code, ran.stderr]).toEqual([0, '']);
    expect(ran.stdout.endsWith(String(output))).toBe(true);
  }
});

describe('what the source cannot read is one refusal, and its neighbours are rows', () => {
  const record = (id: string, second: number, more = ''): string =>
    `{"id":"${id}","at":"2024-01-01T00:00:0${second}Z","celsius":${second},"on":true${more}}`;
  const large = record('a', 2, `,"x":"${'y'.repeat(10_000_000)}"`);

  test.each([
    {
      name: 'large',
      data: 'large.ndjson',
      content: `${record('a', 1)}\n${large}\n${record('b', 3)}\n`,
      reason: 'size',
      message: `the record at byte ${record('a', 1).length + 1} of FOLDER/large.ndjson has ${large.length} bytes; allowed are at most 1048576 (spec.record.maxBytes)`,
      oversize: { length: large.length, sha256: createHash('sha256').update(large).digest('hex') },
      value: large.slice(0, 65_536),
      shown: /^original +10,000,067 bytes, of which the first 65,536 are kept; sha256 [0-9a-f]{64}$/m,
    },
    {
      name: 'broken',
      data: 'broken.csv',
      content: 'id,at,celsius,on\na,2024-01-01T00:00:01Z,1,true\na,2024-01-01T00:00:02Z\nb,2024-01-01T00:00:03Z,3,true\n',
      reason: 'parse',
      message: 'at byte 47 of FOLDER/broken.csv: the csv row has 2 values; the header names 4 columns',
      oversize: null,
      value: 'a,2024-01-01T00:00:02Z',
      shown: /^value +a,2024-01-01T00:00:02Z$/m,
    },
  ])('$data', { timeout: 120_000 }, async ({ name, data, content, reason, message, oversize, value, shown }) => {
    const spec = join(folder, `${name}.yaml`);
    writeFileSync(spec, SPEC.replaceAll('name: small', `name: ${name}`).replace('small.csv', data));
    writeFileSync(join(folder, data), content);
    expect((await run(['run', spec, '--once'])).stdout).toContain(
      `3 ${name} records accounted for: 3 read = 2 stored + 1 refused + 0 dropped\n`,
    );
    const database = connectDatabase({ url: postgres.url, applicationName: 'test', log });
    const { rows } = await database.query(`SELECT id, celsius FROM "default".${name} ORDER BY celsius`);
    await database.end();
    expect(rows).toEqual([
      { id: 'a', celsius: 1 },
      { id: 'b', celsius: 3 },
    ]);
    const client = connectKafka({ brokers: kafka.brokers, clientId: 'test', log });
    const bounds = await client.bounds(`default.${name}.dlq`);
    expect(bounds.reduce((sum, { end }) => sum + end, 0)).toBe(1);
    await client.close();
    const listed = (await run(['dlq', 'list', spec, '--json'])).stdout.trimEnd().split('\n');
    expect(listed).toHaveLength(1);
    const refusal = JSON.parse(String(listed[0])) as { id: string; oversize?: object; record: { value: string } };
    expect(refusal).toMatchObject({
      stage: 'decode',
      reason,
      message: message.replace('FOLDER', folder),
      topic: `default.${name}.raw`,
    });
    expect(refusal.oversize ?? null).toEqual(oversize);
    expect(refusal.record.value).toBe(value);
    expect((await run(['dlq', 'show', spec, refusal.id])).stdout).toMatch(shown);
  });
});

describe('Ctrl-C', () => {
  test('drains the roles in the order of the flow, and ends with 0', { timeout: 120_000 }, async () => {
    const data = join(folder, 'drain');
    const running = startMillrace(['run', file, '--data', data], env);
    await vi.waitUntil(() => /completed/.test(running.output()), { timeout: 90_000, interval: 100 });
    running.kill('SIGINT');
    const ran = await running.ended;
    expect([ran.code, ran.stderr]).toEqual([0, '']);
    const drained = ['producer', 'processor', 'sink'].map((role) => {
      const lines = readFileSync(join(data, 'logs', `${role}.log`), 'utf8')
        .trimEnd()
        .split('\n');
      const { msg, time } = JSON.parse(lines.at(-1) ?? '') as { msg: string; time: string };
      expect(msg).toBe('drained');
      return time;
    });
    expect(drained).toEqual(drained.toSorted());
  });
});

test('a reader that goes away (| head) ends the run as a signal does', { timeout: 120_000 }, async () => {
  const data = join(folder, 'head');
  const running = startMillrace(['run', file, '--data', data], env);
  await vi.waitUntil(() => running.output() !== '', { timeout: 90_000, interval: 20 });
  running.closeOutput();
  const ran = await running.ended;
  expect([ran.code, ran.stderr]).toEqual([0, '']);
  expect(existsSync(join(data, 'run.json'))).toBe(false);
});

test('a data folder that cannot be used is said in one sentence', async () => {
  const ran = await millrace(['run', file, '--once', '--data', file], env);
  expect([ran.code, ran.stdout]).toEqual([1, '']);
  expect(ran.stderr).toMatch(/^millrace: the data folder \S+small\.yaml cannot be used: ENOTDIR.* Give another one by --data\n$/);
});

test('setup of what is there changes nothing', async () => {
  expect((await run(['setup', file])).stdout).toContain('default/small: nothing to change\n');
});

test('a wrong password is said in one sentence', async () => {
  const url = new URL(postgres.url);
  url.password = 'wrong';
  const ran = await millrace(['status', file, '--database', url.href], env);
  expect([ran.code, ran.stdout]).toEqual([1, '']);
  expect(ran.stderr).toMatch(/password is wrong/);
  expect(ran.stderr).not.toMatch(/\n.* at /);
});

test('a row that is missing from the books is seen', { timeout: 120_000 }, async () => {
  const database = connectDatabase({ url: postgres.url, applicationName: 'test', log });
  await database.query(`UPDATE millrace.ledger SET stored = stored - 1 WHERE pipeline = 'default/small' AND stored > 0`);
  await database.end();
  const ran = await run(['run', file, '--once']);
  expect(ran.stdout).toMatch(/small records NOT accounted for: \d+ records? (is|are) neither stored/);
  expect(ran.code).toBe(1);
});
