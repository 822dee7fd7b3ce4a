/** What is refused before it takes a role's memory and time. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { JsonError, type JsonLimits, NO_LIMITS, RECORD_LIMITS, scan } from './jsonScan.ts';

const allows = (text: string, limits: Partial<JsonLimits>): boolean => {
  try {
    scan(text, { ...NO_LIMITS, ...limits });
    return true;
  } catch (error) {
    if (error instanceof JsonError) return false;
    throw error;
  }
};

test('more values than are allowed are an error, commas in text are none', () => {
  const text = '{"a":[1,{},","]}';
  expect(allows(text, { values: 6 })).toBe(true);
  expect(() => scan(text, { ...NO_LIMITS, values: 5 })).toThrow('about 6 values; allowed are at most 5 in one record');
});

test('more different names than are allowed are an error; the same names in many objects are none', () => {
  const names = (count: number, at = 0): string => Array.from({ length: count }, (_, n) => `"k${at + n}" : 1`).join(',');
  expect(allows(`{${names(3)}}`, { names: 3 })).toBe(true);
  expect(allows(`[${Array.from({ length: 100 }, () => `{${names(3)}}`).join(',')}]`, { names: 3 })).toBe(true);
  expect(() => scan(`[{${names(3)}},{${names(1, 3)}}]`, { ...NO_LIMITS, names: 3 })).toThrow(
    '4 members of more than 3 different names; allowed are at most 3 different names in one record',
  );
});

test('names are what JSON.parse finds, whatever stands in texts', () => {
  const count = (value: unknown): number => {
    const names = new Set<string>();
    JSON.parse(JSON.stringify(value), (name, member) => {
      names.add(name);
      if (Array.isArray(member)) for (const at of member.keys()) names.delete(String(at));
      return member;
    });
    names.delete('');
    return names.size;
  };
  const name = fc.string({ minLength: 1, unit: fc.constantFrom('a', 'b', '"', '\\', ':', ' ', '{') });
  const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
    tree: fc.oneof(
      { depthSize: 'small' },
      name,
      fc.dictionary(name, tie('tree'), { maxKeys: 4 }),
      fc.array(tie('tree'), { maxLength: 3 }),
    ),
  }));
  fc.assert(
    fc.property(tree, fc.constantFrom(undefined, 1), (value, indent) => {
      const text = JSON.stringify(value, null, indent);
      const names = count(value);
      expect(allows(text, { names })).toBe(true);
      if (names > 0) expect(allows(text, { names: names - 1 })).toBe(false);
    }),
  );
});

test('what is no JSON is looked through all the same', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('"', ':', ',', '{', '}', '\\', 'a', ' ') }), (text) => {
      expect(typeof allows(text, { names: 1, values: 3 })).toBe('boolean');
    }),
  );
});

test('a record of the default size has no more values than are allowed', () => {
  const text = `[${'1,'.repeat(524_287)}1]`;
  expect(text.length).toBeGreaterThanOrEqual(1_048_576);
  expect(allows(text, RECORD_LIMITS)).toBe(true);
});
