import { readPath } from '@millrace/core/record/path.ts';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { writePath } from './writePath.ts';

test.each([
  [{}, 'a', { a: 9 }],
  [{}, 'a.b.c', { a: { b: { c: 9 } } }],
  [{ 'a.b': 1, a: { b: 2 } }, 'a.b', { 'a.b': 9, a: { b: 2 } }],
  [{ a: { 'b.c': 1, d: 2 } }, 'a.b.c', { a: { 'b.c': 9, d: 2 } }],
  [{ list: [{ t: 1 }] }, 'list.0.t', { list: [{ t: 9 }] }],
])('%j at %s', (object, path, expected) => {
  writePath(object, path, 9);
  expect(object).toEqual(expected);
});

test('what was written is what is read at that path, and nothing else changes', () => {
  const name = fc.constantFrom('a', 'b', 'a.b');
  const inner = fc.dictionary(name, fc.integer());
  const path = fc.array(fc.constantFrom('a', 'b'), { minLength: 1, maxLength: 3 }).map((parts) => parts.join('.'));
  fc.assert(
    fc.property(fc.dictionary(name, fc.oneof(fc.integer(), inner)), path, (object, at) => {
      const before = structuredClone(object);
      try {
        writePath(object, at, 'new');
      } catch (error) {
        expect((error as Error).message).toContain('cannot hold the path');
        return;
      }
      expect(readPath(object, at)).toBe('new');
      for (const [key, value] of Object.entries(before)) if (!at.startsWith(key)) expect(object[key]).toEqual(value);
    }),
  );
});
