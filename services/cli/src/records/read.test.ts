import type { Kafka, KafkaRecord } from '@millrace/core/kafka/kafka.ts';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { lastRecords } from './read.ts';

/** A topic in memory: by partition the offsets that are records, and the end of the log. */
function topicOf(logs: { offsets: number[]; end: number }[]): Kafka {
  const record = (offset: number): KafkaRecord => ({ offset, timestampMs: offset, key: null, value: null, headers: {} });
  return {
    topic: async () => ({ id: 't', partitions: logs.length }),
    bounds: async () => logs.map(({ end }) => ({ start: 0, end })),
    async *range(_topic: string, partition: number, from: number, to: number) {
      for (const offset of logs[partition]?.offsets ?? []) if (offset >= from && offset < to) yield record(offset);
    },
  } as unknown as Kafka;
}

test('the newest records are shown though offsets between them are none: of a compacted topic, of transactions', async () => {
  const log = fc
    .uniqueArray(fc.nat(200), { maxLength: 60 })
    .chain((offsets) =>
      fc
        .nat(20)
        .map((more) => ({ offsets: offsets.sort((a, b) => a - b), end: Math.max(0, ...offsets.map((at) => at + 1)) + more })),
    );
  await fc.assert(
    fc.asyncProperty(fc.array(log, { minLength: 1, maxLength: 3 }), fc.nat(12), async (logs, count) => {
      const { records } = await lastRecords(topicOf(logs), 't', count);
      const all = logs.flatMap(({ offsets }, partition) => offsets.map((offset) => [offset, partition] as const));
      const expected = all.sort(([a, p], [b, q]) => a - b || p - q).slice(all.length - Math.min(count, all.length));
      expect(records.map(({ record, partition }) => [record.offset, partition])).toEqual(expected);
    }),
  );
});
