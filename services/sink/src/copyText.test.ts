import { connectDatabase } from '@millrace/core/database/connect.ts';
import type { Row, Value } from '@millrace/core/record/row.ts';
import { type Column, sqlType } from '@millrace/core/table/columns.ts';
import { type EmbeddedPostgres, startPostgres } from '@millrace/embedded/postgres.ts';
import fc from 'fast-check';
import type { Pool } from 'pg';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CopyLines, type Line } from './copyLines.ts';
import { copyField, copyLine, fieldText, isoTimeMs } from './copyText.ts';
import { copyIn } from './writers/copyIn.ts';

const column = (name: string, type: Column['type']): Column => ({ name, type, required: false });
const columns = [
  column('time', 'time'),
  column('text', 'text'),
  column('int', 'int'),
  column('float', 'float'),
  column('bool', 'bool'),
  column('json', 'json'),
];

describe('text of a value', () => {
  test.each<[Column['type'], Value, string | null]>([
    ['text', null, null],
    ['text', '\\N', '\\N'],
    ['int', 9_223_372_036_854_775_807n, '9223372036854775807'],
    ['int', 1e21, '1000000000000000000000'],
    ['float', 1e21, '1e+21'],
    ['float', -0, '-0'],
    ['float', 0.1 + 0.2, '0.30000000000000004'],
    ['bool', false, 'f'],
    ['json', '{"a":"b\\n"}', '{"a":"b\\n"}'],
    ['time', '2026-01-02T03:04:05Z', '2026-01-02T03:04:05Z'],
    ['time', '2026-01-02T03:04:05.123456Z', '2026-01-02T03:04:05.123456Z'],
    ['time', '2026-01-02T03:04:05.999999999Z', '2026-01-02T03:04:05.999999Z'],
    ['time', '2026-01-02T03:04:05.999999999+02:00', '2026-01-02T03:04:05.999999+02:00'],
  ])('%s %s', (type, value, expected) => {
    expect(fieldText(column('c', type), value)).toBe(expected);
  });

  test.each([
    ['a word that PostgreSQL would read as a time', 'time', 'now'],
    ['no zone', 'time', '2026-01-02T03:04:05'],
    ['a number for a time', 'time', 1_700_000_000],
    ['half a surrogate pair, which would become U+FFFD', 'text', 'a\ud800b'],
    ['half a surrogate pair in JSON', 'json', '{"a":"\udc00"}'],
  ] as const)('refuses %s, naming the column', (_what, type, value) => {
    expect(() => fieldText(column('c', type), value)).toThrow(/column c /);
  });

  test('escapes what COPY takes as structure, and only that', () => {
    expect(copyField('a\tb\nc\rd\\e"\'')).toBe('a\\tb\\nc\\rd\\\\e"\'');
    expect(copyField(null)).toBe('\\N');
    expect(copyField('\\N')).toBe('\\\\N');
    expect(copyField('\\.')).toBe('\\\\.');
  });

  test('whole milliseconds of a time, further digits cut, also before 1970', () => {
    expect(isoTimeMs('time', '2026-01-02T03:04:05.1239999Z')).toBe(Date.UTC(2026, 0, 2, 3, 4, 5, 123));
    expect(isoTimeMs('time', '1969-12-31T23:59:59.9999Z')).toBe(-1);
    expect(() => isoTimeMs('time', '2026-13-02T03:04:05Z')).toThrow('column time is "2026-13-02T03:04:05Z"');
  });
});

describe('a real table holds what the row held', () => {
  let postgres: EmbeddedPostgres;
  let pool: Pool;
  const sql = `COPY public.round_trip (${columns.map(({ name }) => `"${name}"`).join(', ')}) FROM STDIN`;

  beforeAll(async () => {
    postgres = await startPostgres();
    pool = connectDatabase({ url: postgres.url, applicationName: 'test', max: 2, log: pino({ level: 'silent' }) });
    await pool.query(
      `CREATE TABLE public.round_trip (ordinal bigint GENERATED ALWAYS AS IDENTITY, ${columns.map(({ name, type }) => `"${name}" ${sqlType(type)}`).join(', ')})`,
    );
  });
  afterAll(async () => {
    await pool?.end();
    await postgres?.stop();
  });

  const linesOf = (rows: readonly Row[]): Line[] => {
    const lines = new CopyLines();
    return rows.map((row) => {
      const start = lines.length;
      lines.append(copyLine(row, columns));
      lines.endLine();
      return { lines, start, end: lines.length };
    });
  };

  async function stored(rows: Row[]): Promise<unknown[]> {
    const client = await pool.connect();
    try {
      await client.query('BEGIN');
      await copyIn(client, sql, linesOf(rows));
      const { rows: found } = await client.query(`SELECT to_char("time", 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS time, text,
        int::text, float, bool, json::text FROM public.round_trip ORDER BY ordinal`);
      return found;
    } finally {
      await client.query('ROLLBACK');
      client.release();
    }
  }

  // NUL is what PostgreSQL refuses; all other Unicode text must come back.
  const text = fc
    .oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: fc.constantFrom('\\', '\n', '\r', '\t', '\b', '\v', 'N', '.', '"', "'", 'ä', '😀', '\u2028') }),
    )
    .map((value) => value.replaceAll('\0', ''));
  const time = fc
    .tuple(
      fc.date({ min: new Date('0001-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59Z'), noInvalidDate: true }),
      fc.nat(999_999),
    )
    .map(([date, finer]) => `${date.toISOString().slice(0, -1)}${String(finer).padStart(6, '0')}Z`);
  const row = fc.record({
    time,
    text: fc.option(text),
    int: fc.option(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
    float: fc.option(fc.double({ noNaN: true })),
    bool: fc.option(fc.boolean()),
    json: fc.option(fc.json().filter((value) => !/\\u0000|\\ud[89a-f]/i.test(value))),
  });

  test('every text, 64-bit integer, float, time and JSON comes back', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 40 }), async (rows) => {
        const found = await stored(rows);
        const expected = rows.map((row) => ({ ...row, time: `${row.time.slice(0, -4)}Z`, int: row.int?.toString() ?? null }));
        expect(found.map((row) => ({ ...(row as object), json: null }))).toEqual(expected.map((row) => ({ ...row, json: null })));
        const json = (value: unknown): unknown => (typeof value === 'string' ? JSON.parse(value) : null);
        // jsonb keeps numbers as decimals and -0 as 0.
        const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
        expect(found.map((row) => json((row as { json: unknown }).json))).toEqual(rows.map((row) => plain(json(row.json))));
      }),
      { numRuns: 100 },
    );
  });

  test('NUL in a text is refused by the database, not cut or replaced', async () => {
    const bad = { time: '2026-01-02T03:04:05Z', text: 'a\0b' } as unknown as Row;
    await expect(stored([bad])).rejects.toMatchObject({ code: '22021' });
  });

  test('an error in the first row of a large COPY leaves the connection usable', async () => {
    const client = await pool.connect();
    try {
      const good = { time: '2026-01-02T03:04:05Z', text: 'x'.repeat(1000) } as unknown as Row;
      const bad = { ...good, int: 1n << 70n };
      const rows = linesOf([bad, ...Array.from({ length: 8000 }, () => good)]);
      for (let round = 0; round < 5; round += 1) {
        await client.query('BEGIN; SAVEPOINT part');
        await expect(copyIn(client, sql, rows)).rejects.toMatchObject({
          code: '22003',
          where: expect.stringContaining('line 1'),
        });
        await client.query('ROLLBACK TO part');
        expect(await copyIn(client, sql, rows.slice(1, 3))).toBe(2);
        await client.query('ROLLBACK');
      }
    } finally {
      client.release();
    }
  });
});
