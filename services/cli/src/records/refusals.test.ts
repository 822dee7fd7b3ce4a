import type { Kafka, KafkaRecord } from '@millrace/core/kafka/kafka.ts';
import { type Refusal, refusalRecord } from '@millrace/core/record/refusal.ts';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Refused, readRefusals } from './refusals.ts';

function recordOf(at: number, of: number | null): KafkaRecord {
  const headers: Record<string, Buffer> = {};
  if (of !== null) {
    const refusal: Refusal = {
      stage: 'validate',
      reason: 'range',
      message: `${of} at ${at}`,
      topic: 'raw',
      partition: 0,
      origin: { topicId: 'id', offset: of, index: 0 },
      rawTimestampMs: 1,
    };
    for (const [name, text] of Object.entries(refusalRecord(refusal, { key: null, value: null }, 1).headers))
      headers[name] = Buffer.from(text);
  }
  return { offset: at, timestampMs: at, key: null, value: null, headers };
}

/** Partitions of a topic in memory, whose first records are gone; it grows while it is read. */
function kafkaOf(partitions: (number | null)[][], start: number): Kafka {
  const logs = partitions.map((all) => all.map((of, at) => recordOf(start + at, of)));
  return {
    topic: async () => ({ id: 't', partitions: logs.length }),
    bounds: async () => logs.map((log) => ({ start, end: start + log.length })),
    async *range(_topic: string, partition: number, from: number, to: number) {
      const log = logs[partition] ?? [];
      log.push(recordOf(start + log.length, 999));
      for (const record of log) if (record.offset >= from && record.offset < to) yield record;
    },
  } as unknown as Kafka;
}

const messages = (refused: readonly Refused[]): string[] => refused.map(({ refusal }) => refusal.message);

test('each refusal once, its newest record, nothing beyond the ends, however little is kept in memory at a time', async () => {
  const log = fc.array(fc.option(fc.nat(8), { freq: 8 }), { maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(
      fc.array(log, { minLength: 1, maxLength: 3 }),
      fc.integer({ min: 1, max: 50 }),
      async (partitions, perPass) => {
        const kafka = kafkaOf(partitions, 100);
        const { refused, records, skipped, foreign } = await readRefusals(kafka, 'dlq', { perPass });
        const found = messages(await Array.fromAsync(refused));
        const expected = partitions.flatMap((all) => {
          const last = new Map(all.map((of, at) => [of, 100 + at]));
          return [...last].filter(([of]) => of !== null).map(([of, at]) => `${of} at ${at}`);
        });
        expect(found.toSorted()).toEqual(expected.toSorted());
        expect(foreign()).toBe(partitions.flat().filter((of) => of === null).length);
        expect([records, skipped]).toEqual([partitions.flat().length, 0]);
      },
    ),
  );
});

test('only the last records of a partition are looked at where that is asked for, and how many were not is told', async () => {
  const { refused, skipped } = await readRefusals(kafkaOf([[1, 2, 3], [4]], 0), 'dlq', { most: 2 });
  expect(messages(await Array.fromAsync(refused))).toEqual(['2 at 1', '3 at 2', '4 at 0']);
  expect(skipped).toBe(1);
});
