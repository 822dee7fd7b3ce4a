/** Rows come into the table as the processor made them, whichever way they are read. */
import { encodeRow, newRow, type Row, type Value } from '@millrace/core/record/row.ts';
import type { Column } from '@millrace/core/table/columns.ts';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CopyLines } from './copyLines.ts';
import { copyLine, fieldText, lineFields } from './copyText.ts';
import { type RowFacts, rowWriter, shortWay } from './rowLine.ts';

const column = (name: string, type: Column['type']): Column => ({ name, type, required: false });
const key = column('device', 'text');
const plainColumns = [
  column('time', 'time'),
  key,
  column('count', 'int'),
  column('level', 'float'),
  column('open', 'bool'),
  column('measured', 'time'),
];
const columns = [...plainColumns, column('extra', 'json')];
const copy = shortWay(plainColumns, key);

/** What is written, beside what is told of it; null: nothing. */
function written<Facts extends RowFacts | null>(write: (lines: CopyLines) => Facts) {
  const lines = new CopyLines();
  lines.append('before');
  const start = lines.length;
  const facts = write(lines);
  const line = lines.bytes(start, lines.length).toString();
  if (facts === null) expect(line).toBe('');
  return facts === null ? null : { ...facts, line };
}

const time = fc
  .tuple(
    fc.date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true }),
    fc.stringMatching(/^\d{0,9}$/),
  )
  .map(([date, digits]) => `${date.toISOString().slice(0, 19)}${digits && `.${digits}`}Z`);
const text = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.constantFrom('', '\\N', 'a\tb', '"', 'a\\', '\u2028', '{"a":1}', 'NULL'),
);
const values: Record<Exclude<Column['type'], 'json'>, fc.Arbitrary<Value>> = {
  time,
  text,
  int: fc.oneof(fc.maxSafeInteger(), fc.bigInt(), fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n), fc.constantFrom(-0, 2 ** 53 - 1)),
  float: fc.oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.integer(),
    fc.constantFrom(-0, 5e-324, 1e21, 0.1 + 0.2),
  ),
  bool: fc.boolean(),
};
const rowOf = (of: readonly Column[]): fc.Arbitrary<Row> =>
  fc
    .record(
      Object.fromEntries(of.map(({ name, type }) => [name, type === 'json' ? fc.constant('{"a":[1,"x"]}') : values[type]])),
      { requiredKeys: ['time'] },
    )
    .map((row) => Object.assign(newRow(), row));

describe('the row of a processed record', () => {
  test('has the COPY line, key and time that the row had', () => {
    for (const of of [columns, plainColumns]) {
      const write = rowWriter(of, key);
      fc.assert(
        fc.property(rowOf(of), (row) => {
          const found = written((lines) => write(encodeRow(row, of), lines));
          const timeMs = Date.parse(String(row.time));
          const finer = /\.\d{3}(\d+)Z/.exec(String(row.time))?.[1] ?? '';
          expect(found).toEqual({ line: copyLine(row, of), key: row.device ?? null, timeMs, finer });
          expect(lineFields(String(found?.line))).toEqual(of.map((one) => fieldText(one, row[one.name] ?? null)));
        }),
      );
    }
  });

  test('of usual values goes the short way', () => {
    const row = { time: '2026-01-02T03:04:05.123456789Z', device: 'Zähler 1', count: 12, level: -0.25, open: true };
    const value = encodeRow(Object.assign(newRow(), row), plainColumns);
    expect(written((lines) => copy(value, lines))).toEqual({
      line: '2026-01-02T03:04:05.123456Z\tZähler 1\t12\t-0.25\tt\t\\N',
      key: 'Zähler 1',
      finer: '456789',
      timeMs: Date.UTC(2026, 0, 2, 3, 4, 5, 123),
    });
  });

  test('of nanoseconds since 1970 goes the short way, to the last digit', () => {
    for (const count of [1716760513715797500n, -1716760513715797500n, 999999999999999999n]) {
      const row = { time: '2024-05-26T21:55:13.7157975Z', count };
      const found = written((lines) => copy(encodeRow(Object.assign(newRow(), row), plainColumns), lines));
      expect(found?.line).toBe(`2024-05-26T21:55:13.715797Z\t\\N\t${count}\t\\N\t\\N\t\\N`);
    }
    const tooLarge = encodeRow(
      Object.assign(newRow(), { time: '2024-05-26T21:55:13Z', count: 9223372036854775808n }),
      plainColumns,
    );
    expect(written((lines) => copy(tooLarge, lines))).toBe(null);
  });

  test('that another tool wrote never goes the short way to another value', () => {
    const good = '{"time":"2026-01-02T03:04:05Z","device":"d","count":1,"level":1.5,"open":false}';
    const pieces = [
      '"',
      ',',
      ':',
      '{',
      '}',
      '\\',
      '0',
      '-',
      '.',
      'e5',
      'null',
      ' ',
      '\t',
      '1',
      '"count":2',
      '24',
      '31',
      '60',
      '.5',
      '.1234567',
      '+02:00',
      'Z',
      'é"',
      ',"device":"x"',
      '\u0000',
      'é',
    ];
    const write = rowWriter(plainColumns, key);
    const attempt = (change: string) => {
      try {
        return written((lines) => write(Buffer.from(change), lines));
      } catch (error) {
        return (error as Error).message;
      }
    };
    fc.assert(
      fc.property(fc.nat(good.length), fc.nat(3), fc.constantFrom(...pieces), (at, removed, piece) => {
        const changed = good.slice(0, at) + piece + good.slice(at + removed);
        const short = written((lines) => copy(Buffer.from(changed), lines));
        if (short === null) return;
        // What the long way gives, numbers as numbers: another tool may write 1.50.
        const long = attempt(` ${changed}`);
        expect(typeof long, changed).toBe('object');
        const numbers = ({ line, ...facts }: RowFacts & { line: string }) => ({
          ...facts,
          fields: lineFields(line).map((field, n) => ([2, 3].includes(n) ? Number(field ?? Number.NaN) : field)),
        });
        expect(numbers(short), changed).toEqual(numbers(long as RowFacts & { line: string }));
      }),
      { numRuns: 5_000 },
    );
  });

  test.each([
    ['no JSON', 'abc', /not JSON/],
    ['no UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), /not UTF-8/],
    ['no time', '{"device":"d"}', /column time is null/],
    [
      'a day that does not exist',
      '{"time":"2026-13-02T03:04:05Z","device":"d"}',
      /column time is .*allowed is a time that exists/,
    ],
    ['a number in quotes', '{"time":"2026-01-02T03:04:05Z","count":"1"}', /column count is "1"; allowed is int/],
    ['a column that is not there', '{"time":"2026-01-02T03:04:05Z","other":1}', /member "other"/],
  ])('%s is refused, naming what is wrong', (_what, value, message) => {
    expect(() => rowWriter(plainColumns, key)(Buffer.from(value), new CopyLines())).toThrow(message);
  });
});
