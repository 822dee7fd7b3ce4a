import { expect, test } from 'vitest';
import { deviceNameOf } from './deviceName.ts';

test.each(['f2-0011aabbccdd', 'A', '0', 'phone_1.kitchen', 'aa:bb:cc:dd:ee:ff', 'x'.repeat(64)])('%s is a name', (name) => {
  expect(deviceNameOf(name)).toBe(name);
});

test.each([
  ['a wildcard of topics', '+'],
  ['a wildcard behind a name', 'f2#'],
  ['another level of a topic', 'f2/other'],
  ["a broker's own topics", '$SYS'],
  ['a variable of an ACL', '%u'],
  ['nothing', ''],
  ['a space, after which an ACL goes on', 'f2 other'],
  ['a line of a configuration', 'f2\nuser millrace-commands'],
  ['a line break at the end', 'f2\n'],
  ['another folder', '../f2'],
  ['a hidden file', '.f2'],
  ['an option of a command', '-f2'],
  ['letters that look like others', 'f2-\u0430'],
  ['more than a common name may hold', 'x'.repeat(65)],
  ['a client of the platform', 'millrace-commands'],
  ['a client of the platform, written otherwise', 'Millrace-producer'],
])('%s is none', (_what, name) => {
  expect(() => deviceNameOf(name)).toThrow(/allowed are|are the platform's own/);
});
