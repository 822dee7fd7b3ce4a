import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bytesOf, isFull, MOST_SPAN_BYTES, unacknowledgedShare } from './room.ts';

test('the part of a Pipeline among very many never becomes nothing', () => {
  expect(50 * unacknowledgedShare(50)).toBe(unacknowledgedShare(1));
  expect(unacknowledgedShare(1_000)).toBe(65_536);
});

test('all that a record holds counts: a long MQTT topic, too', () => {
  const record = { key: Buffer.from('key'), value: Buffer.from('value'), headers: {} };
  const bare = bytesOf({ key: null, value: null, headers: {} });
  expect(bytesOf(record) - bare).toBe(8);
  expect(bytesOf({ ...record, headers: { 'mqtt-topic': 'x'.repeat(32_768), source: 'mqtt' } }) - bare).toBe(8 + 10 + 32_768 + 10);
});

describe('no more is added', () => {
  const share = unacknowledgedShare(2);
  test.each([
    ['while there is room', { unacknowledgedBytes: share - 1, spanBytes: MOST_SPAN_BYTES - 1 }, 2, false],
    ['while the share of the Pipeline waits', { unacknowledgedBytes: share, spanBytes: share }, 2, true],
    ['of what would be room for one alone', { unacknowledgedBytes: share, spanBytes: share }, 1, false],
    ['while a record waits since long ago, however small', { unacknowledgedBytes: 1, spanBytes: MOST_SPAN_BYTES }, 1, true],
  ])('%s', (_when, waiting, pipelines, expected) => {
    expect(isFull(waiting, pipelines)).toBe(expected);
  });

  test('is never taken back by more that waits, or by more Pipelines; and nothing that waits is always room', () => {
    const bytes = fc.nat(2 * MOST_SPAN_BYTES);
    fc.assert(
      fc.property(bytes, bytes, bytes, fc.integer({ min: 1, max: 2_000 }), (unacknowledgedBytes, spanBytes, more, pipelines) => {
        const before = isFull({ unacknowledgedBytes, spanBytes }, pipelines);
        const after = isFull({ unacknowledgedBytes: unacknowledgedBytes + more, spanBytes: spanBytes + more }, pipelines + 1);
        expect(!before || after).toBe(true);
        expect(isFull({ unacknowledgedBytes: 0, spanBytes: 0 }, pipelines)).toBe(false);
      }),
    );
  });
});
