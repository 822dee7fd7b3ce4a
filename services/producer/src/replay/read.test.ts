/** The readers of csv, json and ndjson: nothing lost, places exact, memory bounded. */
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readCsv } from './csv.ts';
import { readJson } from './json.ts';
import { readNdjson } from './ndjson.ts';
import type { Piece, Read, ReadFrom } from './piece.ts';

const RULES = {
  name: 'test input',
  maxBytes: 100,
  csv: { delimiter: ',', quote: '"', header: 1, skip: 0, columns: null as string[] | null },
};

function opener(content: Buffer, chunkBytes: number) {
  return async function* open(from: number): AsyncGenerator<Buffer> {
    for (let at = from; at < content.length; at += chunkBytes) yield content.subarray(at, at + chunkBytes);
  };
}

async function all(read: Read, text: string | Buffer, from: ReadFrom = { byte: 0, crc: 0 }, chunkBytes = 1000, maxBytes = 100) {
  const pieces: Piece[] = [];
  let crc = 0;
  for await (const batch of read(opener(Buffer.from(text), chunkBytes), from, { ...RULES, maxBytes })) {
    pieces.push(...batch.pieces);
    crc = batch.crc;
  }
  return { pieces, crc };
}

async function texts(read: Read, text: string | Buffer): Promise<string[]> {
  return (await all(read, text)).pieces.map((piece) => (piece.row ? JSON.stringify(piece.row) : piece.bytes.toString()));
}

describe('ndjson', () => {
  test.each([
    ['', []],
    ['\n \r\n\n', []],
    ['{"a":1}\n{"a":2}', ['{"a":1}', '{"a":2}']],
    ['\ufeff{"a":1}\r\n {"a":1716760513715797500} \r\n', ['{"a":1}', ' {"a":1716760513715797500} ']],
    ['no json\n{"a":1}\n', ['no json', '{"a":1}']],
  ])('lines of %j', async (text, expected) => {
    expect(await texts(readNdjson, text)).toEqual(expected);
  });
});

describe('json', () => {
  test.each([
    ['', []],
    ['[]', []],
    [' [ ] ', []],
    ['{"a": 1}', ['{"a": 1}']],
    ['\ufeff[{"a":1716760513715797500},\n {"b":[{"c":"}]\\"{"}]} ]\n', ['{"a":1716760513715797500}', '{"b":[{"c":"}]\\"{"}]}']],
    ['{"a":1}\n{"a":2}{"a":3}', ['{"a":1}', '{"a":2}', '{"a":3}']],
    ['[1, "x,]", null ,[2,3],{"a":NaN}]', ['1', '"x,]"', 'null', '[2,3]', '{"a":NaN}']],
  ])('records of %j', async (text, expected) => {
    expect(await texts(readJson, text)).toEqual(expected);
  });

  test.each([
    ['[{"a":1},{"b":', /ends within the record that began at byte 9/],
    ['[{"a":1},', /ends at byte 9 before its array is closed/],
    ['<html>', /no JSON at byte 0: "<html>"/],
    ['[{"a":1}] [2]', /goes on after the end of its array: "\[2\]" at byte 10/],
  ])('%j is an error that names the place', async (text, message) => {
    await expect(all(readJson, text)).rejects.toThrow(message);
  });
});

describe('csv', () => {
  test.each([
    ['', []],
    ['a,b', []],
    ['\ufeffa,b\r\n1,\r\n\r\n"x\r\ny","q""r"\r\n', ['{"a":"1","b":""}', '{"a":"x\\r\\ny","b":"q\\"r"}']],
    ['a,b\n1,2\r3,4\r\n5,6', ['{"a":"1","b":"2"}', '{"a":"3","b":"4"}', '{"a":"5","b":"6"}']],
    ['ts,x\n1.594512094385974E9,007\n', ['{"ts":"1.594512094385974E9","x":"007"}']],
    [' a , ,c\n1,2,3\n', ['{"a":"1","column2":"2","c":"3"}']],
    ['a\n1\n\n2\n', ['{"a":"1"}', '{"a":"2"}']],
    ['__proto__,constructor,length\n1,2,3\n', ['{"__proto__":"1","constructor":"2","length":"3"}']],
    ['a,b\n"\0",2\n', ['{"a":"\\u0000","b":"2"}']],
    // What spreadsheets leave behind: delimiters without a value, after the last column and after the last row.
    ['a,b,,\n1,2,,\n3,4\n5,6,7,\n,,,\n , ,,\n', ['{"a":"1","b":"2"}', '{"a":"3","b":"4"}', '{"a":"5","b":"6","column3":"7"}']],
    ['a,b\n1,2,\n3,4,,\n,\n', ['{"a":"1","b":"2"}', '{"a":"3","b":"4"}']],
    ['a,b\n,2\n', ['{"a":"","b":"2"}']],
    // An empty value in quotes was written by somebody.
    ['a,b\n"",""\n,""\n,\n', ['{"a":"","b":""}', '{"a":"","b":""}']],
  ])('rows of %j', async (text, expected) => {
    expect(await texts(readCsv, text)).toEqual(expected);
  });

  test.each([
    ['another number of columns', 'a,b\n1,2\n1,2,3\n4\n5,6\n', ['{"a":"1","b":"2"}', '1,2,3', '4', '{"a":"5","b":"6"}']],
    ['an unclosed quote', 'a,b\n1,"2\n3,4\n5,6\n', ['1,"2', '{"a":"3","b":"4"}', '{"a":"5","b":"6"}']],
    [
      'an unclosed quote that a later one closes',
      'a,b\n1,"2\n3,4\n5","6"\n7,8\n',
      ['1,"2', '{"a":"3","b":"4"}', '5","6"', '{"a":"7","b":"8"}'],
    ],
    [
      'the same between carriage returns',
      'a,b\r1,"2\r3,4\r5","6"\r7,8\r',
      ['1,"2', '{"a":"3","b":"4"}', '5","6"', '{"a":"7","b":"8"}'],
    ],
    ['text after a closing quote', 'a,b\n"1"x,2\n3,4\n', ['"1"x,2', '{"a":"3","b":"4"}']],
    ['a quote within a value', 'a,b\n5" pipe,2\n3,4\n', ['5" pipe,2', '{"a":"3","b":"4"}']],
    ['two in a row', 'a,b\n"1"x,2\n"1"y,2\n3,4', ['"1"x,2', '"1"y,2', '{"a":"3","b":"4"}']],
  ])('%s costs that line only', async (_name, text, expected) => {
    const { pieces } = await all(readCsv, text);
    expect(pieces.map((piece) => (piece.row ? JSON.stringify(piece.row) : piece.bytes.toString()))).toEqual(expected);
    for (const { row, unreadable } of pieces) {
      expect(unreadable === undefined).toBe(row !== undefined);
      expect(unreadable ?? '').not.toMatch(/line \d/); // counted from wherever the parser began
    }
  });

  const csv = { ...RULES.csv };
  test.each<[string, Partial<typeof csv>, string, string[]]>([
    ['the header is a later row', { header: 3 }, 'Station,7\n\n;;\na,b\n1,2\n', ['{"a":"1","b":"2"}']],
    ['rows behind the header are units', { skip: 2 }, 'a,b\nV,A\n,Avg\n1,2\n', ['{"a":"1","b":"2"}']],
    ['no row names the columns', { header: 0, columns: ['x', 'y'] }, '1,2\n3,4\n', ['{"x":"1","y":"2"}', '{"x":"3","y":"4"}']],
    ['names instead of those in the file', { columns: ['t', 't_2'] }, 't,t\n1,2\n', ['{"t":"1","t_2":"2"}']],
    ['another quote', { quote: "'" }, `a,b\n'1,5',"2"\n`, ['{"a":"1,5","b":"\\"2\\""}']],
    ['no quote', { quote: '' }, 'a,b\n5" pipe,"2\n', ['{"a":"5\\" pipe","b":"\\"2"}']],
  ])('%s', async (_name, changed, text, expected) => {
    const rules = { ...RULES, csv: { ...csv, ...changed } };
    for (const chunkBytes of [1, 4, 1_000]) {
      const batches = await Array.fromAsync(readCsv(opener(Buffer.from(text), chunkBytes), { byte: 0, crc: 0 }, rules));
      const pieces = batches.flatMap((batch) => batch.pieces);
      expect(pieces.map(({ row, bytes }) => (row ? JSON.stringify(row) : bytes.toString()))).toEqual(expected);
      for (const [at, { end, crc }] of pieces.entries()) {
        const rest = await Array.fromAsync(readCsv(opener(Buffer.from(text), chunkBytes), { byte: end, crc }, rules));
        expect(rest.flatMap((batch) => batch.pieces)).toEqual(pieces.slice(at + 1));
        expect(rest.at(-1)?.crc).toBe(crc32(text));
      }
    }
  });

  test('bytes that are no UTF-8 are not replaced', async () => {
    const latin1 = Buffer.from('a,b\nM\xfcller,1\n2,3\n', 'latin1');
    const { pieces } = await all(readCsv, latin1);
    expect(pieces[0]).toMatchObject({ unreadable: 'the csv row is no UTF-8 text', bytes: Buffer.from('M\xfcller,1', 'latin1') });
    expect(pieces[1]?.row).toEqual({ a: '2', b: '3' });
  });

  test.each([
    ['a,b,a\n', /names the column "a" twice/],
    [`a${','.repeat(131_072)}\n`, /names 131073 columns; allowed are at most 131072 in one record/],
    ['a;b;c\n1;2;3\n', /one column, "a;b;c"; if columns are separated by ";", set source.replay.delimiter/],
    ['a,"b\n1,2\n', /header of test input cannot be read: Quote Not Closed/],
    ['a,b\0\n1,2\n', /has a NUL in the column "b\\u0000"/],
    [Buffer.from('gr\xf6\xdfe,b\n', 'latin1'), /header of test input is no UTF-8/],
  ])('the header %j is an error', async (text, message) => {
    await expect(all(readCsv, text)).rejects.toThrow(message);
  });
});

test('csv: quotes that are wrong in every line take linear time', async () => {
  const { pieces } = await all(readCsv, `a,b,c\n${'""",\n'.repeat(30_000)}1,2,3`, undefined, 65_536);
  expect(pieces).toHaveLength(30_001);
  expect(pieces.filter(({ unreadable }) => unreadable === undefined)).toHaveLength(1);
});

test('csv: so do very many columns', async () => {
  const names = Array.from({ length: 130_000 }, (_, at) => `c${at}`);
  const { pieces } = await all(readCsv, `${names.join(',')}\n${names.join(',')}`, undefined, 65_536, 2_000_000);
  expect(Object.keys(pieces[0]?.row ?? {})).toHaveLength(130_000);
});

const READERS: [string, Read, (values: string[]) => string, string][] = [
  ['ndjson', readNdjson, (values) => values.map((value) => `{"a":"${value}"}\n`).join(''), `{"a":"${'x'.repeat(70_000)}"}`],
  ['json', readJson, (values) => `[${values.map((value) => `{"a":"${value}"}`).join(', ')} ]\n`, `{"a":"${'x'.repeat(70_000)}"}`],
  ['csv', readCsv, (values) => `a,b\r\n${values.map((value) => `1,${value}\r\n`).join('')}`, `1,${'x'.repeat(70_000)}`],
];

describe.each(READERS)('%s', (_name, read, make, large) => {
  test.each([
    [100, 100],
    [69_000, 65_536],
  ])('of a record over the limit of %i bytes %i are kept, and its neighbours are read', async (maxBytes, kept) => {
    const { pieces } = await all(read, make(['v', 'x'.repeat(70_000), 'w']), undefined, 997, maxBytes);
    expect(pieces).toHaveLength(3);
    expect(pieces[1]?.bytes.toString()).toBe(large.slice(0, kept));
    expect(pieces[1]?.oversize).toEqual({ length: large.length, sha256: createHash('sha256').update(large).digest('hex') });
    expect(pieces[2]?.oversize).toBeUndefined();
  });

  test('whatever the chunks are and wherever it is taken up again, the records are the same', async () => {
    const value = fc.string({ unit: fc.constantFrom('x', 'é', ' ', '{', ']', '7'), minLength: 1, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(value, { maxLength: 12 }),
        fc.integer({ min: 1, max: 40 }),
        fc.nat(),
        async (values, chunk, pick) => {
          const text = make(values);
          const whole = await all(read, text);
          expect(whole.pieces).toHaveLength(values.length);
          expect(whole.crc).toBe(crc32(text));
          expect(await all(read, text, undefined, chunk)).toEqual(whole);
          const at = pick % (values.length + 1);
          const from = at === 0 ? { end: 0, crc: 0 } : (whole.pieces[at - 1] as Piece);
          expect(from.crc).toBe(crc32(Buffer.from(text).subarray(0, from.end)));
          const rest = await all(read, text, { byte: from.end, crc: from.crc }, chunk);
          expect(rest).toEqual({ pieces: whole.pieces.slice(at), crc: whole.crc });
        },
      ),
    );
  });
});

test('csv: any damage to quotes and commas loses no line', async () => {
  const line = fc.string({ unit: fc.constantFrom('"', ',', 'x', 'y'), minLength: 1, maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(fc.array(line, { minLength: 1, maxLength: 10 }), fc.integer({ min: 1, max: 30 }), async (lines, chunk) => {
      const text = `a,b\n${lines.join('\n')}\n`;
      const { pieces } = await all(readCsv, text, undefined, chunk);
      const covered = pieces.map((piece) => Buffer.from(text).subarray(piece.start, piece.end).toString().trim()).join('\n');
      const withValue = (texts: string[]): string[] => texts.filter((text) => /[xy]/.test(text)); // the others may be rows without a value
      expect(withValue(covered.split('\n'))).toEqual(withValue(lines));
      for (const { start, bytes } of pieces) expect(text.slice(start, start + bytes.length)).toBe(bytes.toString());
      for (const piece of pieces) expect(piece.row === undefined ? piece.bytes.toString().split('\n').length : 1).toBe(1);
    }),
  );
});

describe('csv with columns set with spaces', () => {
  const csv = { ...RULES.csv, delimiter: 'whitespace' };
  const rowsOf = async (text: string, chunkBytes = 1_000): Promise<string[]> => {
    const pieces: Piece[] = [];
    for await (const batch of readCsv(opener(Buffer.from(text), chunkBytes), { byte: 0, crc: 0 }, { ...RULES, csv })) {
      pieces.push(...batch.pieces);
    }
    return pieces.map(({ row, unreadable }) => (row ? JSON.stringify(row) : String(unreadable)));
  };

  test.each([1, 7, 1_000])('however many spaces and tabs there are, in chunks of %i', async (chunkBytes) => {
    const text = 'a   b  c\n 1   2  3\n\n   \n10 \t 20 30  \r\n1 "" "x  y"\n';
    expect(await rowsOf(text, chunkBytes)).toEqual([
      '{"a":"1","b":"2","c":"3"}',
      '{"a":"10","b":"20","c":"30"}',
      '{"a":"1","b":"","c":"x  y"}',
    ]);
  });

  test('a row that lacks a value is refused: nobody knows which one', async () => {
    expect(await rowsOf('a b c\n1   3\n1 2 3 4\n')).toEqual([
      'the csv row has 2 values; the header names 3 columns',
      'the csv row has 4 values; the header names 3 columns',
    ]);
  });
});

test('a header that is set with spaces says how to read it', async () => {
  await expect(texts(readCsv, 'a   b  c\n1   2  3\n')).rejects.toThrow(/set source\.replay\.delimiter to whitespace/);
});
