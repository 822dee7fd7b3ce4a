import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeRedrive, encodeRedrive, placeId, REDRIVE_HEADER, type Redrive, redriveOf, redriveOfObject } from './redrive.ts';

const REDRIVE: Redrive = {
  topicId: 'a_-B~2',
  partition: 3,
  offset: 2 ** 53 - 1,
  index: 9,
  attempt: 2,
  rawTimestampMs: -1,
  as: 'row',
};

test('what is written is read back, whatever the place', () => {
  const whole = (max: number) => fc.integer({ min: 0, max });
  const redrives = fc.record({
    topicId: fc.stringMatching(/^[A-Za-z0-9_~-]{1,40}$/),
    partition: whole(999_999),
    offset: fc.maxSafeNat(),
    index: whole(9_999),
    attempt: whole(1_000),
    rawTimestampMs: fc.maxSafeInteger(),
    as: fc.constantFrom('raw' as const, 'row' as const),
  });
  fc.assert(
    fc.property(redrives, (redrive) => {
      expect(decodeRedrive(encodeRedrive(redrive))).toEqual(redrive);
    }),
  );
});

test.each(['', 'a:0:0:0:1:0', 'a:0:0:0:1:0:other', 'a b:0:0:0:1:0:raw', `${encodeRedrive(REDRIVE)} `, 'a:-1:0:0:1:0:raw'])(
  'a header of another writer is told from ours: %j',
  (text) => {
    expect(redriveOf({ [REDRIVE_HEADER]: Buffer.from(text) })).toBe('unreadable');
  },
);

test('a record without the header is none that was redriven', () => {
  expect(redriveOf({})).toBe(null);
});

test('each object of a redriven record has a place of its own, that of the record it was refused in', () => {
  const redrive = { ...REDRIVE, index: 0 };
  expect([0, 1].map((index) => placeId(redriveOfObject(redrive, index)))).toEqual([
    'a_-B~2:3:9007199254740991:0',
    'a_-B~2:3:9007199254740991:1',
  ]);
});
