/** What is seen at the beginning of a file, and what must not be taken for another kind of file. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { opener } from './bytes.ts';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-bytes-'));
});

afterAll(() => rmSync(folder, { recursive: true }));

async function read(name: string, content: Buffer): Promise<Buffer> {
  const file = join(folder, name);
  writeFileSync(file, content);
  const chunks: Buffer[] = [];
  for await (const chunk of opener(file, new AbortController().signal)(0)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

test.each([
  ['a NUL in a short text', Buffer.from('id,note\na,x\0y\nb,z\n')],
  ['a NUL beside a character that the look at the beginning cuts', Buffer.from(`id\n\0${'x'.repeat(4_091)}\u20ac\n`)],
  ['one byte', Buffer.from('a')],
  ['nothing', Buffer.alloc(0)],
])('%s is read', async (_what, content) => {
  expect(await read('text.csv', content)).toEqual(content);
  expect(await read('text.csv.gz', gzipSync(content))).toEqual(content);
});

test('what can be read of a small file that is cut is given before the error', async () => {
  const file = join(folder, 'cut.csv.gz');
  writeFileSync(file, Buffer.concat([gzipSync('id\na\n'), gzipSync('id').subarray(0, 9)]));
  const chunks = opener(file, new AbortController().signal)(0)[Symbol.asyncIterator]();
  expect((await chunks.next()).value.toString()).toBe('id\na\n');
  await expect(chunks.next()).rejects.toThrow(/is no whole gzip file: unexpected end of file after 5 bytes of content/);
});

test.each([
  ['UTF-16 without a mark', Buffer.from('id,note\na,x\n', 'utf16le'), /is no text file: byte 1 is NUL/],
  [
    'a picture',
    Buffer.from([0x89, 0x50, 0x4e, 0x47, ...Buffer.from('a long and harmless text '.repeat(9)), 0]),
    /is no text file/,
  ],
])('%s is refused whole', async (_what, content, message) => {
  await expect(read('binary.csv', content)).rejects.toThrow(message);
});

describe('other encodings come out as UTF-8, from any place', () => {
  const text = 'Zeit;Temp (\u00b0C);\u20ac\nM\u00fcnchen;\u2013;\u00e9\n';
  const windows = Buffer.from([...text].map((c) => ({ '\u20ac': 0x80, '\u2013': 0x96 })[c] ?? c.charCodeAt(0)));
  const utf16 = Buffer.from(`\ufeff${text}`, 'utf16le');
  test.each([
    ['latin-1', windows],
    ['utf-16le', utf16],
    ['utf-16be', Buffer.from(utf16).swap16()],
  ] as const)('%s', async (encoding, content) => {
    for (const [name, bytes] of [
      ['text.csv', content],
      ['text.csv.gz', gzipSync(content)],
    ] as const) {
      const file = join(folder, name);
      writeFileSync(file, bytes);
      const open = opener(file, new AbortController().signal, encoding);
      const whole = Buffer.from(text);
      for (const from of [0, 1, 12, whole.length]) {
        expect(Buffer.concat(await Array.fromAsync(open(from)))).toEqual(whole.subarray(from));
      }
    }
  });

  test('half a UTF-16 character is an error that names the place', async () => {
    const file = join(folder, 'half.csv');
    writeFileSync(file, utf16.subarray(0, -1));
    const open = opener(file, new AbortController().signal, 'utf-16le');
    await expect(Array.fromAsync(open(0))).rejects.toThrow(
      /half\.csv is no utf-16le text after byte \d+; allowed is the encoding/,
    );
  });
});
