import { connectDatabase } from '@millrace/core/database/connect.ts';
import { type EmbeddedPostgres, startPostgres } from '@millrace/embedded/postgres.ts';
import { withSession } from '@millrace/setup/session.ts';
import { migrate } from '@millrace/setup/system.ts';
import type { Pool } from 'pg';
import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { changeContent, readContent } from './content.ts';
import { type Content, TABLE_NAMES, TABLES } from './tables.ts';
import { CONTENT } from './testing/content.ts';

let postgres: EmbeddedPostgres;
let pool: Pool;
const NOTHING = Object.fromEntries(TABLE_NAMES.map((name) => [name, []])) as unknown as Content;
const none = { added: 0, changed: 0, removed: 0 };

beforeAll(async () => {
  postgres = await startPostgres();
  pool = connectDatabase({ url: postgres.url, applicationName: 'test', log: pino({ level: 'silent' }) });
}, 120_000);
afterAll(async () => {
  await pool?.end();
  await postgres?.stop();
});

async function read(): Promise<Content> {
  const client = await pool.connect();
  try {
    return await readContent(client);
  } finally {
    client.release();
  }
}

const sorted = (content: Content): Content =>
  Object.fromEntries(
    TABLE_NAMES.map((name) => [
      name,
      name === 'datapoints' ? content[name] : content[name].toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)),
    ]),
  ) as unknown as Content;

test('a database without the tables says what makes them', async () => {
  await expect(read()).rejects.toThrow(/no device registry: `millrace setup`/);
  await withSession(pool, 60_000, migrate);
  expect(await read()).toEqual(NOTHING);
});

beforeEach(async ({ task }) => {
  if (!task.name.startsWith('a database without')) await changeContent(pool, () => CONTENT, false);
});

test('what was written is read, and written again changes nothing', async () => {
  expect(sorted(await read())).toEqual(sorted(CONTENT));
  const changes = await changeContent(pool, () => CONTENT, false);
  expect(Object.values(changes)).toEqual(TABLE_NAMES.map(() => none));
});

test('changes are counted by table, and a dry run leaves all as it was', async () => {
  const next: Content = {
    ...CONTENT,
    devices: [
      { name: 'f2-02f200000001', title: 'Cellar' },
      { name: 'f2-02f200000002', title: null },
    ],
    pins: CONTENT.pins.slice(1),
  };
  for (const dryRun of [true, false]) {
    const before = await read();
    const changes = await changeContent(pool, () => next, dryRun);
    expect(changes).toMatchObject({ devices: { added: 1, changed: 1, removed: 0 }, pins: { ...none, removed: 1 }, types: none });
    expect(await read()).toEqual(dryRun ? before : expect.objectContaining({ devices: next.devices }));
  }
  await changeContent(pool, () => NOTHING, false);
  expect(await read()).toEqual(NOTHING);
});

test('a plan that refuses changes nothing', async () => {
  const refuse = (): Content => {
    throw new Error('refused');
  };
  await expect(changeContent(pool, refuse, false)).rejects.toThrow('refused');
  expect(sorted(await read())).toEqual(sorted(CONTENT));
});

test('a datapoint keeps its place whatever comes and goes', async () => {
  const [temperature, humidity, ...others] = CONTENT.datapoints;
  if (!temperature || !humidity) throw new Error('no datapoints');
  const noise = { ...temperature, name: 'noise', offset: 12 };
  await changeContent(pool, (now) => ({ ...now, datapoints: [humidity, ...others, noise] }), false);
  await changeContent(pool, (now) => ({ ...now, datapoints: [...now.datapoints, temperature].toReversed() }), false);
  expect((await read()).datapoints.map(({ name }) => name)).toEqual([
    ...[humidity, ...others].map(({ name }) => name),
    'noise',
    'temperature',
  ]);
});

test('the database allows what files may hold, and nothing else', async () => {
  await changeContent(pool, () => NOTHING, false);
  const some = (name: 'types' | 'templates' | 'datapoints', column: string): readonly string[] => {
    const rule = TABLES[name].columns.find((one) => one.name === column)?.rule;
    return rule?.type === 'enum' ? rule.values : [];
  };
  const kinds = some('types', 'kind').map((kind) => ({ name: kind, kind, title: null }));
  const templates = some('templates', 'crc').map((crc) => ({ name: crc, type: 'frame', skip: 255, crc, title: null }));
  const datapoints = some('datapoints', 'encoding').flatMap((encoding) =>
    some('datapoints', 'byte_order').map((byte_order) => ({
      template: 'none',
      name: `${encoding}-${byte_order}`,
      offset: 65_535,
      encoding,
      byte_order,
      decimals: 9,
      unit: null,
    })),
  );
  const all: Content = { ...NOTHING, types: kinds, templates, datapoints };
  await changeContent(pool, () => all, false);
  expect(sorted(await read())).toEqual(sorted(all));
  const wrong = [
    `INSERT INTO millrace.registry_types VALUES ('x', 'window')`,
    `INSERT INTO millrace.registry_templates (name, type) VALUES ('x', 'nothing')`,
    `INSERT INTO millrace.registry_templates (name, type, skip) VALUES ('x', 'frame', 256)`,
    `INSERT INTO millrace.registry_devices VALUES ('f2-02F200000001')`,
    `INSERT INTO millrace.registry_connectors VALUES ('f2-02f200000009', 'J1')`,
    `INSERT INTO millrace.registry_pins VALUES ('f2-02f200000009', 'J1', 'a', 'io', 'none')`,
    `DELETE FROM millrace.registry_types WHERE name = 'frame'`,
  ];
  for (const statement of wrong) await expect(pool.query(statement)).rejects.toThrow(/violates/);
});
