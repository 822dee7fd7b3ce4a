import { expect, test } from 'vitest';
import { text } from './text.ts';

const decode = (value: Buffer | null) => text.decode({ offset: 0, timestampMs: 0, key: null, headers: {}, value });

test.each(['21.5', 'ON', ' {"a":1} ', 'é', '\n'])('%j is the value, as it is', (value) => {
  expect(decode(Buffer.from(value))).toEqual([{ object: { value } }]);
});

test.each([
  [null, 'empty', 'the record is empty'],
  [Buffer.alloc(0), 'empty', 'the record is empty'],
  [Buffer.from([0xff, 0xfe]), 'parse', 'no valid UTF-8'],
])('%j is refused: %s', (value, reason, message) => {
  expect(() => decode(value)).toThrow(expect.objectContaining({ reason, message: expect.stringContaining(message) }));
});
