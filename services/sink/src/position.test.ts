import { decideStart } from '@millrace/core/kafka/resume.ts';
import { expect, test } from 'vitest';
import { dropRepeats, originText, REMEMBERED_TOPIC_IDS, readerPosition } from './position.ts';

const arrival = (topicId: string, offset: number, index = 0) => ({ origin: { topicId, offset, index } });

test('of several rows of one raw record each is fresh once, whatever part of them comes again', () => {
  const first = dropRepeats(new Map(), [arrival('a', 5, 0), arrival('a', 5, 1)], 1);
  expect(first.fresh).toHaveLength(2);
  const second = dropRepeats(first.origins, [arrival('a', 5, 0), arrival('a', 5, 1), arrival('a', 5, 2), arrival('a', 6)], 2);
  expect(second.fresh.map(({ origin }) => [origin.offset, origin.index])).toEqual([
    [5, 2],
    [6, 0],
  ]);
  expect(second.repeats).toHaveLength(2);
});

test('origins of another raw topic id are another order', () => {
  const { origins } = dropRepeats(new Map(), [arrival('a', 100)], 1);
  const { fresh, origins: both } = dropRepeats(origins, [arrival('b', 0), arrival('a', 100)], 2);
  expect(fresh).toEqual([arrival('b', 0)]);
  expect(both.get('a')).toEqual({ offset: 100, index: 0, version: 1 });
});

test('what another tool wrote has no origin and is never a repeat', () => {
  const { fresh, origins } = dropRepeats(new Map(), [{ origin: null }, { origin: null }], 1);
  expect(fresh).toHaveLength(2);
  expect(origins.size).toBe(0);
});

test('of many raw topic ids the ones used last are remembered', () => {
  let origins: ReturnType<typeof dropRepeats>['origins'] = new Map();
  for (let version = 1; version <= 3 * REMEMBERED_TOPIC_IDS; version += 1) {
    ({ origins } = dropRepeats(origins, [arrival(`id${version}`, 7), arrival('always', version)], version));
  }
  expect(origins.size).toBe(REMEMBERED_TOPIC_IDS);
  expect(origins.has('always')).toBe(true);
  expect(origins.has(`id${3 * REMEMBERED_TOPIC_IDS}`)).toBe(true);
  expect(origins.has('id1')).toBe(false);
});

test('a bookmark compares the origin, and never holds bytes that a database refuses', () => {
  const headers = { origin: Buffer.from('raw0:5:0:1') };
  const record = { offset: 9, timestampMs: 3, key: null, value: null, headers };
  expect(originText(record)).toBe('raw0:5:0:1');
  const bookmark = { timestampMs: 3, origin: originText(record) };
  const stored = { version: 1, writer: 'w', next: 10, topicId: 't', bookmark, origins: new Map() };
  const { bookmark: check } = readerPosition(stored);
  expect(check?.matches(record)).toBe(true);
  expect(check?.matches({ ...record, headers: { origin: Buffer.from('raw0:5:1:1') } })).toBe(false);
  expect(check?.matches({ ...record, headers: {} })).toBe(false);
  const foreign = { headers: { origin: Buffer.from([0, 255, 0]) } };
  expect(originText(foreign)).toMatch(/^foreign:[\w-]{43}$/);
  expect(originText({ headers: {} })).toBe('none');
});

test('a partition of which nothing was stored yet begins at 0: what retention took from it unseen is lost', () => {
  const stored = { version: 0, writer: 'w', next: null, topicId: null, bookmark: null, origins: new Map() };
  const start = (at: number) => decideStart(readerPosition(stored), { topicId: 't', start: at, end: 9 });
  expect(start(0)).toMatchObject({ next: 0, happening: null });
  expect(start(5)).toMatchObject({ next: 5, happening: { kind: 'lost', next: 0, start: 5, records: 5 } });
});
