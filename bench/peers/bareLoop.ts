/**
 * What the processor is measured against: a bare kafkajs consume-and-produce loop in a process of its own. It reads the raw
 * topic and sends each record's value as it is, unparsed, into the same partition of another topic, with as many headers of
 * the same names and lengths, acks=all, an idempotent producer, batches of the same bytes, as many partitions at a time.
 * It keeps none of the processor's promises (FACTS traps 1 to 9).
 *
 *     node bench/peers/bareLoop.ts BROKERS FROM TO GROUP
 */
import { cutIntoBatches } from '@millrace/core/kafka/cut.ts';
import { ANSWER_BYTES } from '@millrace/core/kafka/fetch.ts';
import { ORIGIN_HEADER, RAW_TIMESTAMP_HEADER } from '@millrace/core/record/origin.ts';
import { CompressionTypes, Kafka, logLevel } from 'kafkajs';

/** Partitions at a time, as the processor's reader. */
const CONCURRENCY = 4;

const [brokers = '', from = '', to = '', group = ''] = process.argv.slice(2);
const kafka = new Kafka({ clientId: 'bare-loop', brokers: brokers.split(','), logLevel: logLevel.WARN });
const producer = kafka.producer({ idempotent: true });
const consumer = kafka.consumer({
  groupId: group,
  maxBytesPerPartition: ANSWER_BYTES,
  maxBytes: ANSWER_BYTES,
  maxWaitTimeInMs: 250,
});
process.once('SIGTERM', () => {
  void consumer
    .disconnect()
    .then(() => producer.disconnect())
    .finally(() => process.exit(0));
});
await producer.connect();
await consumer.connect();
await consumer.subscribe({ topic: from, fromBeginning: true });
await consumer.run({
  partitionsConsumedConcurrently: CONCURRENCY,
  eachBatch: async ({ batch: { partition, messages } }) => {
    const copies = messages.map(({ key, value, offset, timestamp }) => ({
      key,
      value,
      headers: { [ORIGIN_HEADER]: `kxPfvZ2SQVqQmDbZ6dnCGA:${offset}:0:1`, [RAW_TIMESTAMP_HEADER]: timestamp },
    }));
    for (const part of cutIntoBatches(copies, ANSWER_BYTES)) {
      const placed = part.map((copy) => ({ ...copy, partition }));
      await producer.send({ topic: to, acks: -1, compression: CompressionTypes.None, messages: placed });
    }
  },
});
