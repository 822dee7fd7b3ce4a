/** The whole way of a small file, as a user runs it against servers that are there already, and what the other commands say then. */
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connectDatabase } from '@millrace/core/database/connect.ts';
import { connectKafka } from '@millrace/core/kafka/connect.ts';
import { pino } from 'pino';
import { describe, expect, test } from 'vitest';
import { millrace } from './testing.ts';
import { CSV, env, file, folder, kafka, postgres, run, SPEC, withServers } from './testSmall.ts';

const log = pino({ level: 'silent' });

withServers();

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

test('setup of what is there changes nothing', async () => {
  expect((await run(['setup', file])).stdout).toContain('default/small: nothing to change\n');
});

test('a row that is missing from the books is seen', { timeout: 120_000 }, async () => {
  const database = connectDatabase({ url: postgres.url, applicationName: 'test', log });
  await database.query(`UPDATE millrace.ledger SET stored = stored - 1 WHERE pipeline = 'default/small' AND stored > 0`);
  await database.end();
  const ran = await run(['run', file, '--once']);
  expect(ran.stdout).toMatch(/small records NOT accounted for: \d+ records? (is|are) neither stored/);
  expect(ran.code).toBe(1);
});
