/** Produce request and response, version 7, of one batch to one partition with acks=all (https://kafka.apache.org/protocol#The_Messages_Produce). */
import type { Protocol } from 'kafkajs/src/network/connectionPool.js';
import Decoder from 'kafkajs/src/protocol/decoder.js';
import Encoder from 'kafkajs/src/protocol/encoder.js';
import { guarded } from '../guards.ts';
import { errorOf, KafkaError } from './errors.ts';

/** How long the leader waits for the other replicas. */
const REPLICATION_MS = 15_000;

/**
 * Answers the offset of the batch's first record.
 * @param transactionalId of the batch's producer where it is part of a transaction
 * @throws KafkaError where the answer is not about this partition or names no offset: then nothing is known (FACTS trap 2)
 */
export function produceRequest(
  topic: string,
  partition: number,
  batch: Buffer,
  transactionalId: string | null = null,
): Protocol<number> {
  return {
    request: {
      apiKey: 0,
      apiVersion: 7,
      apiName: 'Produce',
      encode: async () =>
        // All in one buffer: nested encoders would copy the batch with each level.
        new Encoder(batch.length + 1_024)
          .writeString(transactionalId)
          .writeInt16(-1) // acks=all
          .writeInt32(REPLICATION_MS)
          .writeInt32(1) // topics
          .writeString(topic)
          .writeInt32(1) // partitions
          .writeInt32(partition)
          .writeInt32(batch.length)
          .writeBuffer(batch),
    },
    response: {
      decode: async (payload) => decodeAnswer(new Decoder(payload), topic, partition),
      parse: async (offset) => offset,
    },
    requestTimeout: REPLICATION_MS + 5_000,
  };
}

function decodeAnswer(decoder: Decoder, topic: string, partition: number): number {
  const answers = decoder
    .readArray((topics) => {
      const name = topics.readString();
      return topics.readArray((one) => {
        const answer = {
          topic: name,
          partition: one.readInt32(),
          error: errorOf(one.readInt16()),
          baseOffset: Number(one.readInt64()),
        };
        one.readInt64(); // append time
        one.readInt64(); // log start
        return answer;
      });
    })
    .flat();
  const [answer] = answers;
  const isNamed = answers.length === 1 && answer?.topic === topic && answer.partition === partition;
  if (guarded('answer-named') && !isNamed)
    throw new KafkaError(
      `the answer to a send to ${topic}/${partition} is about ${answers.map((one) => `${one.topic}/${one.partition}`).join(', ') || 'nothing'}`,
    );
  if (answer?.error) throw answer.error;
  const baseOffset = answer?.baseOffset ?? -1;
  if (guarded('answer-named') && !(baseOffset >= 0))
    throw new KafkaError(`the answer to a send to ${topic}/${partition} has base offset ${baseOffset}`);
  return baseOffset;
}
