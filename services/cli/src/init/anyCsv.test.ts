/** Any csv file of a known schema is guessed so that every row comes out with its values, however it is written. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { compileTime, isoToEpochNs } from '@millrace/core/record/time.ts';
import { parsePipelines } from '@millrace/core/spec/load.ts';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sample } from '../records/sample.ts';
import { pipelineFor } from './init.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-any-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const ZONES = ['UTC', 'Europe/Berlin', 'America/Chicago'];
const FORMATS = [
  'iso',
  'epoch_s',
  'epoch_ms',
  'epoch_us',
  'epoch_ns',
  'yyyy-MM-dd HH:mm:ss',
  'dd/MM/yyyy HH:mm:ss',
  'MM/dd/yyyy hh:mm:ss a',
  'd.M.yyyy H:mm:ss',
  'yyyy MMM dd hh:mm:ss a',
  'dd-MMM-yyyy HH.mm.ss',
  'yyyyMMddHHmmss',
  'M/d/yy H:mm:ss',
  "yyyy/MM/dd'T'HH:mm:ss",
  'EEE, dd MMM yyyy HH:mm:ss ZZZ',
  'dd/MM/yyyy|HH.mm.ss', // in two columns
  'd. MMMM yyyy HH:mm:ss@de',
  "d MMM yyyy 'à' HH:mm:ss@fr",
  "d 'de' MMMM 'de' yyyy, H:mm:ss@es",
];
const NOTES = ['', 'x', 'x\u00e9', 'x;y', 'x,y', 'x "q"', 'x\ny', 'x|z\tw', "x'"];
const BOOLS = [
  ['true', 'false'],
  ['Yes', 'No'],
  ['ON', 'OFF'],
  ['y', 'n'],
] as const;

/** The 13th of a month: no month has its number, so that day and month cannot be swapped. */
const START_S = Date.UTC(2024, 2, 13, 1) / 1000;

const row = fc.record({
  gap: fc.integer({ min: 1, max: 20_000 }),
  device: fc.constantFrom('north', 'south', 'k-7'),
  temp: fc.option(fc.integer({ min: -5_000, max: 5_000 }), { freq: 8 }),
  count: fc.integer({ min: 0, max: 500 }),
  open: fc.boolean(),
  note: fc.constantFrom(...NOTES),
});

const style = fc.record({
  delimiter: fc.constantFrom(',', ';', '\t', '|'),
  decimal: fc.constantFrom('.', ','),
  format: fc.constantFrom(...FORMATS),
  zone: fc.constantFrom(...ZONES),
  bools: fc.constantFrom(...BOOLS),
  encoding: fc.constantFrom('utf-8', 'bom', 'latin-1', 'utf-16'),
  end: fc.constantFrom('\n', '\r\n'),
  quoted: fc.boolean(),
  gzip: fc.boolean(),
  emptyColumns: fc.integer({ min: 0, max: 2 }),
  emptyRows: fc.integer({ min: 0, max: 2 }),
});
type Style = typeof style extends fc.Arbitrary<infer T> ? T : never;

function bytesOf(text: string, { encoding, gzip }: Style): Buffer {
  const bytes =
    encoding === 'latin-1'
      ? Buffer.from(text, 'latin1')
      : Buffer.from(encoding === 'utf-8' ? text : `\ufeff${text}`, encoding === 'utf-16' ? 'utf16le' : 'utf8');
  return gzip ? gzipSync(bytes) : bytes;
}

test('every row comes out with its values', { timeout: 300_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(row, { minLength: 6, maxLength: 30 }), style, async (rows, how) => {
      const { delimiter, decimal, zone, bools, end, quoted, emptyColumns, emptyRows } = how;
      const [format = '', locale = 'en-US'] = how.format.split('@');
      const [dateFormat = '', clockFormat] = format.split('|');
      const time = compileTime({ format: [dateFormat, clockFormat].filter(Boolean).join(' '), zone, locale });
      const cell = (value: string): string =>
        quoted || [delimiter, '"', '\n'].some((mark) => value.includes(mark)) ? `"${value.replaceAll('"', '""')}"` : value;
      const line = (values: readonly string[]): string => values.map(cell).join(delimiter) + delimiter.repeat(emptyColumns);
      const split = (text: string): string[] => (clockFormat === undefined ? [text] : text.split(' '));
      let second = START_S;
      const expected = rows.map(({ gap, device, temp, count, open, note }) => {
        second += gap;
        return {
          ns: BigInt(second) * 1_000_000_000n,
          device,
          temp: temp === null ? null : temp / 100,
          count,
          open,
          note: note || null,
        };
      });
      const lines = expected.map(({ ns, device, temp, count, open, note }) =>
        line([
          ...split(time.format(ns)),
          device,
          temp?.toFixed(2).replace('.', decimal) ?? '',
          String(count),
          open ? bools[0] : bools[1],
          note ?? '',
        ]),
      );
      const header = line([
        ...(clockFormat === undefined ? ['Timestamp'] : ['Date', 'Time']),
        'device',
        'Temp (\u00b0C)',
        'count',
        'open',
        'note',
      ]);
      const width = header.split(delimiter).length;
      const text = [header, ...lines, ...Array.from({ length: emptyRows }, () => delimiter.repeat(width - 1))].join(end);
      const file = join(folder, how.gzip ? 'any.csv.gz' : 'any.csv');
      writeFileSync(file, bytesOf(text, how));

      const yaml = await pipelineFor(file, { zone, path: file });
      const [loaded] = parsePipelines(yaml, join(folder, 'any.yaml'));
      if (!loaded) throw new Error(yaml);
      const found = (await Array.fromAsync(sample(loaded, file, new AbortController().signal))).map(({ outcome }) => {
        if (outcome.kind !== 'row') throw new Error(`${JSON.stringify(outcome)}\n${yaml}`);
        const { device, temp = null, count, open, note = null } = outcome.row;
        return { ns: isoToEpochNs(String(outcome.row.time)), device, temp, count, open, note };
      });
      expect(found, yaml).toEqual(
        rows.some(({ open }) => open) && rows.some(({ open }) => !open)
          ? expected
          : expected.map((each, at) => ({ ...each, open: found[at]?.open })),
      );
    }),
    { numRuns: 150 },
  );
});
