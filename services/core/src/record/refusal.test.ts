import { expect, test } from 'vitest';
import { oversizeOf } from './raw.ts';
import type { Redrive } from './redrive.ts';
import { type Refusal, readRefusal, refusalId, refusalRecord } from './refusal.ts';

const REFUSAL: Refusal = {
  stage: 'decode',
  reason: 'size',
  message: 'm',
  topic: 'raw',
  partition: 3,
  origin: { topicId: 'id', offset: 7, index: 0 },
  rawTimestampMs: 77,
};
const REDRIVE: Redrive = { topicId: 'old', partition: 2, offset: 5, index: 1, attempt: 1, rawTimestampMs: 66, as: 'raw' };
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
  ['one of several objects', { ...REFUSAL, part: true }, Buffer.from('{}'), Buffer.from('{}'), { ...REFUSAL, part: true }],
  ['one that the source could not read', { ...REFUSAL, unreadable: true }, null, null, { ...REFUSAL, unreadable: true }],
  ['one that was redriven', { ...REFUSAL, redrive: REDRIVE }, null, null, { ...REFUSAL, redrive: REDRIVE }],
])('%s', (_name, refusal, value, kept, expected) => {
  const record = refusalRecord(refusal, { key: null, value }, 100_000);
  expect(record.value).toEqual(kept);
  const headers = Object.fromEntries(Object.entries(record.headers).map(([name, text]) => [name, Buffer.from(text)]));
  expect(readRefusal(headers)).toEqual(expected);
});

test('a refusal keeps its identity when it is refused at another stage, and after a redrive', () => {
  expect(refusalId(REFUSAL)).toBe('id:3:7:0');
  expect(refusalId({ ...REFUSAL, stage: 'store' })).toBe('id:3:7:0');
  expect(refusalId({ ...REFUSAL, redrive: REDRIVE })).toBe('old:2:5:1');
});

test('a dlq record whose redrive cannot be read is an error that shows it', () => {
  const { headers } = refusalRecord(REFUSAL, { key: null, value: null }, 1);
  const bytes = Object.fromEntries(Object.entries(headers).map(([name, text]) => [name, Buffer.from(text)]));
  expect(() => readRefusal({ ...bytes, 'millrace.redrive': Buffer.from('nonsense') })).toThrow('millrace.redrive "nonsense"');
});

test('what a spec can read beside the value stays with the record, no other header does', () => {
  const headers = { 'mqtt-topic': Buffer.from('tele/é'), 'received-at': Buffer.from('1234'), source: Buffer.from('mqtt') };
  const kept = refusalRecord(REFUSAL, { key: null, value: null, headers }, 1).headers;
  expect(kept).toMatchObject({ 'mqtt-topic': 'tele/é', 'received-at': '1234' });
  expect(kept).not.toHaveProperty('source');
});
