import { expect, test } from 'vitest';
import { oversizeOf } from './raw.ts';
import { type Refusal, readRefusal, refusalRecord } from './refusal.ts';

const REFUSAL: Refusal = {
  stage: 'decode',
  reason: 'size',
  message: 'm',
  topic: 'raw',
  partition: 3,
  origin: { topicId: 'id', offset: 7, index: 0 },
  rawTimestampMs: 77,
};
const large = Buffer.alloc(200_000, 'x');
const beginning = large.subarray(0, 65_536);

test.each<[string, Refusal, Buffer | null, Buffer | null, Refusal]>([
  ['a small one is whole', REFUSAL, Buffer.from('abc'), Buffer.from('abc'), REFUSAL],
  ['a tombstone', REFUSAL, null, null, REFUSAL],
  ['a large one is cut', REFUSAL, large, beginning, { ...REFUSAL, oversize: oversizeOf(large) }],
  [
    'one that the source cut tells of the original',
    { ...REFUSAL, oversize: oversizeOf(large) },
    beginning.subarray(0, 100),
    beginning.subarray(0, 100),
    { ...REFUSAL, oversize: oversizeOf(large) },
  ],
  [
    'one that the source cut and that is still too large, as well',
    { ...REFUSAL, oversize: { length: 1_000_000, sha256: 'ab' } },
    large,
    beginning,
    { ...REFUSAL, oversize: { length: 1_000_000, sha256: 'ab' } },
  ],
])('%s', (_name, refusal, value, kept, expected) => {
  const record = refusalRecord(refusal, { key: null, value }, 100_000);
  expect(record.value).toEqual(kept);
  const headers = Object.fromEntries(Object.entries(record.headers).map(([name, text]) => [name, Buffer.from(text)]));
  expect(readRefusal(headers)).toEqual(expected);
});
