import { parseJson } from '@millrace/core/record/json.ts';
import { oversizeOf } from '@millrace/core/record/raw.ts';
import type { Replay } from '@millrace/core/spec/source.ts';
import { describe, expect, test } from 'vitest';
import { pipelineOf } from '../testing/pipeline.ts';
import type { Piece } from './piece.ts';
import { recordMaker } from './records.ts';

const PLACE = { start: 0, end: 1, crc: 0 };

/** Records that come of the given texts (or csv rows). */
function make(
  replay: Partial<Replay>,
  contents: (string | Record<string, string>)[],
  options: { record?: object; shift?: { ms: number; loopMs: number }; loop?: number } = {},
) {
  const spec: Replay = { path: 'x.json', ...replay };
  const pipeline = pipelineOf('records', { replay: spec }, { record: options.record ?? {} });
  const maker = recordMaker(pipeline, spec, options.shift ? { shift: options.shift } : {});
  return contents.map((content) => {
    const piece: Piece =
      typeof content === 'string'
        ? { ...PLACE, bytes: Buffer.from(content) }
        : { ...PLACE, bytes: Buffer.from(''), row: content };
    const record = maker({ piece, name: 'x', next: { loop: options.loop ?? 0, file: 0, byte: 1, crc: 0 } });
    const { key, value } = record.make(Date.UTC(2026, 0, 2, 3, 4, 5, 678));
    return { gapMs: record.gapMs, key: key.toString(), value: value.toString() };
  });
}

describe('pace', () => {
  const at = (...times: string[]) => times.map((time) => `{"at":"${time}"}`);

  test('multiplier: the original gaps, shortened; none backwards and none where a time is missing', () => {
    const times = ['2026-01-01T00:00:00Z', '2026-01-01T00:01:00Z', '2026-01-01T00:00:30Z', 'never', '2026-01-01T00:00:30.5Z'];
    expect(make({ pace: { multiplier: 60 } }, at(...times)).map(({ gapMs }) => gapMs)).toEqual([0, 1_000, 0, 0, 500 / 60]);
  });

  test.each([
    [{ unlimited: true } as const, [0, 0]],
    [{ interval: '2s' }, [2_000, 2_000]],
    [undefined, [0, 0]],
  ])('%j', (pace, expected) => {
    expect(make(pace ? { pace } : {}, at('2026-01-01', '2026-01-02')).map(({ gapMs }) => gapMs)).toEqual(expected);
  });
});

describe('clock', () => {
  const record = (time: object) => ({ record: { time: { field: ['t', 'meta.t'], ...time } } });
  const now = { clock: 'now' } as const;

  test.each([
    [
      'iso text',
      {},
      '{"t":"2001-01-01T00:00:00Z","big":1716760513715797500}',
      '{"t":"2026-01-02T03:04:05.678Z","big":1716760513715797500}',
    ],
    ['epoch s as a number', { format: 'epoch_s' }, '{"t":1.5e9,"x":1.10}', '{"t":1767323045.678,"x":1.1}'],
    ['epoch ns as text', { format: 'epoch_ns' }, '{"t":"1500000000000000000"}', '{"t":"1767323045678000000"}'],
    ['epoch ns as a number', { format: 'epoch_ns' }, '{"t":1500000000000000001}', '{"t":1767323045678000000}'],
    [
      'its own format and zone',
      { format: 'yyyy MMM dd hh:mm:ss a', zone: 'America/Chicago' },
      '{"t":"2025 Apr 15 06:52:00 PM"}',
      '{"t":"2026 Jan 01 09:04:05 PM"}',
    ],
    ['a nested time', {}, '{"meta":{"t":"2001-01-01"},"x":1}', '{"meta":{"t":"2026-01-02T03:04:05.678Z"},"x":1}'],
    ['no time: stays without', {}, '{"x": 1}', '{"x":1}'],
    ['no JSON: stays as it is', {}, '{"t": 1', '{"t": 1'],
  ])('now: %s', (_name, time, text, expected) => {
    expect(make(now, [text], record(time))[0]?.value).toBe(expected);
  });

  test.each([
    [
      'a date and a time of day',
      { field: 'Date', and: ['Time'], format: 'dd/MM/yyyy HH.mm.ss' },
      { Date: '10/03/2004', Time: '18.00.00', x: '1' },
      '{"Date":"02/01/2026","Time":"03.04.05","x":"1"}',
    ],
    [
      'the same in ISO',
      { field: 'Date', and: ['Time'] },
      { Date: '2004-03-10', Time: '18:00' },
      '{"Date":"2026-01-02","Time":"03:04:05.678Z"}',
    ],
    [
      'one of them missing: stays as it is',
      { field: 'Date', and: ['Time'] },
      { Date: '2004-03-10', Time: '' },
      '{"Date":"2004-03-10","Time":""}',
    ],
  ])('now: %s in columns of their own', (_name, time, row, expected) => {
    expect(make(now, [row as Record<string, string>], { record: { time } })[0]?.value).toBe(expected);
  });

  test('now: a csv row', () => {
    expect(make(now, [{ t: '1', device: '007' }], record({ format: 'epoch_s' }))[0]?.value).toBe(
      '{"t":"1767323045.678","device":"007"}',
    );
  });

  test('shift keeps digits below the millisecond, goes on in each loop, and leaves a bad time bad', () => {
    const shift = { ms: 86_400_000, loopMs: 60_000 };
    const texts = ['{"t":"2026-01-01T00:00:00.123456789Z"}', '{"t":"soon"}'];
    expect(make({ clock: 'shift' }, texts, { ...record({}), shift, loop: 2 }).map(({ value }) => value)).toEqual([
      '{"t":"2026-01-02T00:02:00.123456789Z"}',
      '{"t":"soon"}',
    ]);
  });

  test('original: the bytes are not touched', () => {
    const text = ' {"device" : "a", "n":1.10 , "big":1716760513715797500}';
    expect(make({}, [text])[0]?.value).toBe(text);
    expect(parseJson(text)).toEqual({ device: 'a', n: 1.1, big: 1716760513715797500n });
  });
});

describe('what cannot be read is sent all the same, with the place', () => {
  const unreadable = (piece: Partial<Piece>) => {
    const spec: Replay = { path: 'x.csv' };
    const pipeline = pipelineOf('records', { replay: spec }, { record: { maxBytes: 1_024 } });
    const placed = { piece: { ...PLACE, start: 7, bytes: Buffer.from('abc'), ...piece }, name: 'x.csv' };
    return recordMaker(pipeline, spec, {})({ ...placed, next: { loop: 0, file: 0, byte: 1, crc: 0 } }).make(0);
  };
  const oversize = { length: 5_000, sha256: 'ab' };
  const tooLarge = (found: string) =>
    `the record at byte 7 of x.csv has ${found}; allowed are at most 1024 (spec.record.maxBytes)`;

  test('a broken row', () => {
    const { key, value, ...record } = unreadable({ unreadable: 'no UTF-8' });
    expect([key.toString(), value.toString()]).toEqual([expect.stringMatching(/^[0-9a-f]{16}$/), 'abc']);
    expect(record).toEqual({ unreadable: { message: 'at byte 7 of x.csv: no UTF-8' } });
  });

  test.each([{ oversize }, { oversize, unreadable: 'the csv row is too long' }])('a record that is too large: %j', (piece) => {
    expect(unreadable(piece)).toMatchObject({
      value: Buffer.from('abc'),
      unreadable: { message: tooLarge('5000 bytes'), oversize },
    });
  });

  test('a csv row that is too large as JSON keeps its key', () => {
    const json = Buffer.from(JSON.stringify({ device: 'a', value: '"'.repeat(600) }));
    expect(unreadable({ row: { device: 'a', value: '"'.repeat(600) } })).toEqual({
      key: Buffer.from('a'),
      value: json.subarray(0, 1_024),
      unreadable: { message: tooLarge(`${json.length} bytes as JSON`), oversize: oversizeOf(json) },
    });
  });
});

describe('key', () => {
  const fields = { device: { type: 'text', from: ['id', 'meta.id', 'device'], strip: ', ' } };
  const keyOf = (text: string) => make({}, [text], { record: { fields } })[0]?.key;

  test.each([
    ['{"id":"2,060"}', '2060'],
    ['{"id":" a b "}', 'ab'],
    ['{"meta":{"id":7}}', '7'],
    ['{"device":12345678901234567890}', '12345678901234567890'],
    ['{"id":true,"device":"x"}', 'true'],
  ])('of %s is %s', (text, key) => {
    expect(keyOf(text)).toBe(key);
  });

  test.each(['{"id":null}', '{"id":""}', '{"id":{}}', '{}', '[1]', 'no json', `{"id":"${'x'.repeat(2_000)}"}`])(
    'of %s is a hash of its bytes',
    (text) => {
      expect(keyOf(text)).toMatch(/^[0-9a-f]{16}$/);
      expect(keyOf(text)).toBe(keyOf(text));
      expect(keyOf(text)).not.toBe(keyOf(`${text} `));
    },
  );
});
