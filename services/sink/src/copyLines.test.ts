/** What is sent to the database is the rows that are meant, whole and in order. */
import { expect, test } from 'vitest';
import { bytesOf, CopyLines, type Line, textOf } from './copyLines.ts';

function linesOf(texts: readonly string[], lines = new CopyLines()): Line[] {
  return texts.map((text) => {
    const start = lines.length;
    lines.append(text);
    lines.endLine();
    return { lines, start, end: lines.length };
  });
}

test('rows of a batch that outgrows its buffer many times come whole', () => {
  const texts = Array.from({ length: 5_000 }, (_, n) => `${n}\tZähler \u{1f600} ${'x'.repeat(n % 300)}`);
  const lines = linesOf(texts);
  expect(bytesOf(lines).toString()).toBe(texts.map((text) => `${text}\n`).join(''));
  expect(lines.map(textOf)).toEqual(texts);
});

test.each([
  ['no row', []],
  ['one row', [1]],
  ['rows with one left out between them', [0, 2, 3]],
  ['rows in another order', [3, 1]],
])('%s of a batch', (_, chosen) => {
  const lines = linesOf(['a', 'b', '', 'd']);
  const some = chosen.flatMap((n) => lines[n] ?? []);
  expect(bytesOf(some).toString()).toBe(some.map((line) => `${textOf(line)}\n`).join(''));
});

test('rows of two batches come from both', () => {
  expect(bytesOf([...linesOf(['a']), ...linesOf(['b'])]).toString()).toBe('a\nb\n');
});

test('a row that is taken back leaves nothing', () => {
  const lines = new CopyLines();
  linesOf(['kept'], lines);
  const start = lines.length;
  lines.append('half a ro');
  lines.cutTo(start);
  const all = [{ lines, start: 0, end: start }, ...linesOf(['next'], lines)];
  expect(bytesOf(all).toString()).toBe('kept\nnext\n');
});
