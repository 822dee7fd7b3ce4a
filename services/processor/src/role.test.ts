/** The processor against a real Kafka: what is committed, sent and counted when things go wrong. */
import type { Kafka, KafkaRecord } from '@millrace/core/kafka/kafka.ts';
import { encodeReplayPosition, REPLAY_POSITION_HEADER } from '@millrace/core/record/raw.ts';
import { readRefusal } from '@millrace/core/record/refusal.ts';
import { Registry } from 'prom-client';
import { expect, test, vi } from 'vitest';
import { dropped, kept, numberOf, numbers, originOf, refused, useKafka, WAIT } from './testFeed.ts';

const stage = useKafka();

test('every record ends once, in its own partition, with its origin', async () => {
  const feed = await stage.feedOf('plain');
  const all = numbers(0, 500);
  await stage.append(feed, all);
  const metrics = new Registry();
  const worker = await stage.start(feed, stage.kafka, metrics);
  const progress = await stage.untilRead(feed, all.length);
  expect(progress).toMatchObject({
    rows: kept(all).length,
    refused: refused(all).length,
    dropped: dropped(all).length,
    repeats: 0,
  });
  await stage.expectAll(feed, all);
  const raw = await stage.recordsOf(feed.names.raw);
  const rawId = (await stage.kafka.topic(feed.names.raw))?.id;
  for (const [partition, records] of (await stage.recordsOf(feed.names.processed)).entries()) {
    for (const record of records) {
      const origin = originOf(record);
      const from = raw[partition]?.[origin.offset];
      expect(origin).toMatchObject({ topicId: rawId, index: 0, count: 1 });
      expect(String(record.headers['raw-timestamp'])).toBe(String(from?.timestampMs));
      expect(numberOf(record)).toBe(from && numberOf(from));
      expect(record.key).toEqual(from?.key);
    }
  }
  const [[refusal]] = (await stage.recordsOf(feed.names.dlq)) as [[KafkaRecord]];
  expect(refusal.value?.toString()).toBe('{"n":10');
  expect(readRefusal(refusal.headers)).toMatchObject({
    stage: 'decode',
    reason: 'parse',
    topic: feed.names.raw,
    partition: 0,
    origin: { offset: 5 },
  });
  expect(worker.health()).toEqual({ ready: true, phase: 'running', state: 'reading 2 partitions' });
  const text = await metrics.metrics();
  expect(text).toContain(`millrace_processor_records_total{pipeline="default/plain",result="rows"} ${kept(all).length}`);
  expect(text).toContain(`millrace_processor_dropped_total{pipeline="default/plain",filter="seventh"} ${dropped(all).length}`);
  expect(text).toContain('millrace_processor_paused_partitions{pipeline="default/plain"} 0');
});

test('killed after its sends and before its commits, again and again, it leaves no gap', async () => {
  const feed = await stage.feedOf('killed');
  const all = numbers(0, 600);
  let commits = 0;
  const dying: Kafka = {
    ...stage.kafka,
    read: (options) =>
      stage.kafka.read({
        ...options,
        handle: (batch) =>
          options.handle({
            ...batch,
            commit: async (next, metadata) => {
              if (++commits % 3 !== 0) throw new Error('killed before the commit');
              await batch.commit(next, metadata);
            },
          }),
      }),
  };
  for (const from of [0, 200, 400]) {
    const worker = await stage.start(feed, dying);
    await stage.append(feed, numbers(from, from + 200));
    await vi.waitFor(async () => expect((await stage.committed(feed)).raw).toBeGreaterThan(from), WAIT);
    await stage.stop(worker);
  }
  await stage.start(feed);
  const progress = await stage.untilRead(feed, all.length);
  expect(progress).toMatchObject({
    rows: kept(all).length,
    refused: refused(all).length,
    dropped: dropped(all).length,
    repeats: 0,
  });
  const sent = (await stage.recordsOf(feed.names.processed)).flat().length;
  expect(sent).toBeGreaterThan(kept(all).length); // there were repeats to drop
  await stage.expectAll(feed, all);
});

test('a DLQ that cannot be written holds the commit back, and nothing is lost', async () => {
  const feed = await stage.feedOf('blocked');
  const all = numbers(0, 100);
  let isBroken = true;
  const failing: Kafka = {
    ...stage.kafka,
    sender: () => {
      const sender = stage.kafka.sender();
      return {
        close: () => sender.close(),
        send: (topic, partition, records) =>
          isBroken && topic === feed.names.dlq
            ? Promise.reject(new Error('the disk of the broker is full'))
            : sender.send(topic, partition, records),
      };
    },
  };
  await stage.append(feed, all);
  const worker = await stage.start(feed, failing);
  await vi.waitFor(
    () => expect(worker.health()).toMatchObject({ ready: false, state: expect.stringMatching(/disk of the broker is full/) }),
    WAIT,
  );
  expect((await stage.committed(feed)).raw).toBe(0);
  isBroken = false;
  await stage.untilRead(feed, all.length);
  await stage.expectAll(feed, all);
});

test('a replay that sends records again is counted, not stored again', async () => {
  const feed = await stage.feedOf('replayed');
  const position = (n: number) => ({ [REPLAY_POSITION_HEADER]: encodeReplayPosition({ run: 'r', ordinal: n }) });
  await stage.append(feed, numbers(0, 100), position);
  await stage.append(feed, numbers(60, 150), position);
  await stage.start(feed);
  expect(await stage.untilRead(feed, 190)).toMatchObject({ repeats: 40, rows: kept(numbers(0, 150)).length });
  const processed = (await stage.recordsOf(feed.names.processed)).flat().map(numberOf);
  expect(processed.sort((a, b) => a - b)).toEqual(kept(numbers(0, 150)));
});
