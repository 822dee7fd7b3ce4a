import type { KafkaRecord } from '@millrace/core/kafka/kafka.ts';
import { decodeOrigin, isAfter, type Origin } from '@millrace/core/record/origin.ts';
import { freshProgress, type Progress } from '@millrace/core/record/progress.ts';
import { readRefusal, refusalId } from '@millrace/core/record/refusal.ts';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type BatchResult, transformBatch } from './batch.ts';
import type { Outcome, Transform } from './transform.ts';

/** A raw record says in letters how its objects end: r(ow), x (refused), d(ropped). */
const transform: Transform = ({ value }) => ({
  outcomes: [...String(value)].map((letter, index): Outcome => {
    if (letter === 'r') return { kind: 'row', index, row: {}, value: Buffer.from(`row ${index}`) };
    if (letter === 'd') return { kind: 'dropped', index, filter: 'f' };
    return {
      kind: 'refused',
      index,
      stage: 'validate',
      reason: 'type',
      message: 'm',
      value: index === 0 ? null : Buffer.from('part'),
    };
  }),
  unknownFields: 1,
});

const records = fc
  .array(fc.record({ letters: fc.stringMatching(/^[rdx]{1,4}$/), ordinal: fc.option(fc.nat(20)) }), { maxLength: 30 })
  .map((all) =>
    all.map(
      ({ letters, ordinal }, offset): KafkaRecord => ({
        offset: offset * 2, // compacted: with gaps
        timestampMs: 1000 + offset,
        key: Buffer.from('key'),
        value: Buffer.from(letters),
        headers: ordinal === null ? {} : { 'replay-position': Buffer.from(`run:${ordinal}`) },
      }),
    ),
  );

function run(
  batch: readonly KafkaRecord[],
  progress: Progress = freshProgress('id', 'processed'),
  signal = new AbortController().signal,
  by = transform,
): Promise<BatchResult> {
  return transformBatch({ topic: 't', partition: 3, records: batch, progress, transform: by, maxBytes: 100, signal });
}

const originsOf = ({ processed }: BatchResult): Origin[] =>
  processed.map(({ headers }) => decodeOrigin(Buffer.from(String(headers.origin))));

test('every object is sent, refused, dropped or a repeat, and the rows stand in raw order', async () => {
  await fc.assert(
    fc.asyncProperty(records, async (batch) => {
      const result = await run(batch);
      const { raw, rows, refused, dropped, repeats } = result.progress;
      const dropsCounted = [...result.drops.values()].reduce((sum, drops) => sum + drops, 0);
      expect([result.processed.length, result.dlq.length, dropsCounted]).toEqual([rows, refused, dropped]);
      expect(raw).toBe(rows + refused + dropped + repeats);
      expect(result.refusals).toHaveLength(refused);
      for (const [at, origin] of originsOf(result).entries()) expect(isAfter(origin, originsOf(result)[at - 1])).toBe(true);
      const ids = result.dlq.map(({ headers }) =>
        refusalId(readRefusal(Object.fromEntries(Object.entries(headers).map(([name, text]) => [name, Buffer.from(text)])))),
      );
      expect(new Set(ids).size).toBe(ids.length);
    }),
  );
});

test('cut into batches anywhere, it gives the same', async () => {
  await fc.assert(
    fc.asyncProperty(records, fc.nat(30), async (batch, at) => {
      const whole = await run(batch);
      const first = await run(batch.slice(0, at));
      const second = await run(batch.slice(at), first.progress);
      expect([...first.processed, ...second.processed]).toEqual(whole.processed);
      expect([...first.dlq, ...second.dlq]).toEqual(whole.dlq);
      expect(second.progress).toEqual(whole.progress);
    }),
  );
});

test('origin and raw time go along; the DLQ has the original bytes, or the part of an array', async () => {
  const record: KafkaRecord = { offset: 9, timestampMs: 77, key: null, value: Buffer.from('xrx'), headers: {} };
  const { processed, dlq, unknownFields } = await run([record], { ...freshProgress('id', 'processed'), cuts: [76] });
  expect(processed).toEqual([
    { key: null, value: Buffer.from('row 1'), headers: { origin: 'id~1:9:1:3', 'raw-timestamp': '77' } },
  ]);
  expect(dlq.map(({ value }) => String(value))).toEqual(['xrx', 'part']);
  expect(dlq[0]?.headers).toMatchObject({
    'millrace.error.offset': '9',
    'millrace.error.partition': '3',
    'millrace.error.topic-id': 'id~1',
  });
  expect(unknownFields).toBe(1);
});

test('what becomes of a redriven record carries the place that was refused first, each object its own', async () => {
  const redriven = { 'millrace.redrive': Buffer.from('first:1:4:0:2:55:raw') };
  const record: KafkaRecord = { offset: 9, timestampMs: 77, key: null, value: Buffer.from('xrx'), headers: redriven };
  const { processed, dlq, progress } = await run([record]);
  expect(processed.map(({ headers }) => headers)).toEqual([
    { origin: 'id:9:1:3', 'raw-timestamp': '77', 'millrace.redrive': 'first:1:4:1:2:55:raw' },
  ]);
  expect(dlq.map(({ headers }) => [headers['millrace.redrive'], headers['millrace.error.part']])).toEqual([
    ['first:1:4:0:2:55:raw', undefined],
    ['first:1:4:2:2:55:raw', 'true'],
  ]);
  expect(dlq[1]?.headers).toMatchObject({ 'millrace.error.offset': '9', 'millrace.error.index': '2' });
  expect(progress).toMatchObject({ raw: 3, rows: 1, refused: 2 });
});

test('of a record that the source cut, the DLQ has the beginning, and length and hash of the whole', async () => {
  const record: KafkaRecord = { offset: 9, timestampMs: 77, key: null, value: Buffer.from('begi'), headers: {} };
  const oversize = { length: 10_000_000, sha256: 'ab'.repeat(32) };
  const refused = { kind: 'refused', index: 0, stage: 'decode', reason: 'size', message: 'm', value: null, oversize } as const;
  const { dlq, progress } = await run([record], undefined, undefined, () => ({ outcomes: [refused], unknownFields: 0 }));
  expect(dlq).toMatchObject([
    {
      value: Buffer.from('begi'),
      headers: { 'millrace.error.length': '10000000', 'millrace.error.sha256': oversize.sha256, 'millrace.error.offset': '9' },
    },
  ]);
  expect(progress).toMatchObject({ raw: 1, refused: 1 });
});

test('a partition that was taken away ends the work between two slices', async () => {
  const record: KafkaRecord = { offset: 0, timestampMs: 1, key: null, value: Buffer.from('r'), headers: {} };
  const batch = Array.from({ length: 2_000 }, (_, offset) => ({ ...record, offset }));
  const taken = new AbortController();
  const working = run(batch, freshProgress('id', 'processed'), taken.signal);
  taken.abort(new Error('taken away'));
  await expect(working).rejects.toThrow('taken away');
});
