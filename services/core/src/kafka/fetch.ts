/**
 * Fetch request and response, version 10, without a fetch session (https://kafka.apache.org/protocol#The_Messages_Fetch).
 * Version 10 because from 11 on a broker that no longer leads a partition answers as a follower, with an end of the log
 * that lies behind; up to 10 it says that it is not the leader. Not kafkajs' codec, which rejects the whole answer when one
 * partition has an error.
 */
import type { Protocol } from 'kafkajs/src/network/connectionPool.js';
import Decoder from 'kafkajs/src/protocol/decoder.js';
import Encoder from 'kafkajs/src/protocol/encoder.js';
import { errorOf } from './errors.ts';
import type { KafkaRecord } from './kafka.ts';
import { ANSWER_MS } from './link.ts';
import { decodeBatches, nextOffset } from './recordBatch.ts';

/**
 * Of one answer, which lies in memory as long as one of its partitions does. One partition may fill it, and a batch that is larger comes
 * all the same, alone; partitions have their turn in the order of the request. The sink stores what one partition brought in one
 * transaction, and each has a commit, newest rows and a ledger to write. Twice as much is faster, and too much where partitions hang
 * (docs/performance.md).
 */
export const ANSWER_BYTES = 1_048_576;
const READ_COMMITTED = 1;

export interface FetchedPartition {
  partition: number;
  outcome: FetchedLog | Error;
}

export interface FetchedLog {
  start: number;
  end: number;
  /** Offset after the last whole batch, at least the one that was asked for. */
  next: number;
  /** Bytes of the batches. */
  bytes: number;
  /** The records among them, from the offset that was asked for. As objects they are much larger. @throws KafkaError */
  decode(): KafkaRecord[];
}

/**
 * @param waitMs how long the broker holds the answer back while there is nothing at any of the offsets
 * @param maxBytes of the answer; the first partition with something comes with one whole batch at least
 */
export function fetchRequest(
  topic: string,
  offsets: ReadonlyMap<number, number>,
  waitMs: number,
  maxBytes = ANSWER_BYTES,
): Protocol<FetchedPartition[]> {
  return {
    request: {
      apiKey: 1,
      apiVersion: 10,
      apiName: 'Fetch',
      encode: async () =>
        new Encoder()
          .writeInt32(-1) // replica: none, a client
          .writeInt32(waitMs)
          .writeInt32(1) // least bytes
          .writeInt32(Math.min(ANSWER_BYTES, maxBytes))
          .writeInt8(READ_COMMITTED)
          .writeInt32(0)
          .writeInt32(-1) // no fetch session
          .writeArray([
            new Encoder().writeString(topic).writeArray([...offsets].map(([partition, offset]) => encode(partition, offset))),
          ])
          .writeArray([]), // forgotten topics
    },
    response: {
      decode: async (payload) => {
        const decoder = new Decoder(payload);
        decoder.readInt32(); // throttle time
        const error = errorOf(decoder.readInt16());
        if (error) throw error;
        decoder.readInt32(); // session
        return decoder
          .readArray((topics) => {
            topics.readString();
            return topics.readArray((partition) => decode(partition, offsets));
          })
          .flat();
      },
      parse: async (partitions) => partitions,
    },
    requestTimeout: waitMs + ANSWER_MS,
  };
}

function encode(partition: number, offset: number): Encoder {
  return new Encoder(64)
    .writeInt32(partition)
    .writeInt32(-1) // leader epoch: not checked here
    .writeInt64(offset)
    .writeInt64(-1) // log start: for followers
    .writeInt32(ANSWER_BYTES);
}

function decode(decoder: Decoder, offsets: ReadonlyMap<number, number>): FetchedPartition {
  const partition = decoder.readInt32();
  const errorCode = decoder.readInt16();
  const end = Number(decoder.readInt64());
  decoder.readInt64(); // last stable offset
  const start = Number(decoder.readInt64());
  const aborted = decoder.readArray((one) => ({ producerId: one.readInt64(), firstOffset: Number(one.readInt64()) }));
  const log = decoder.readBytes() ?? Buffer.alloc(0);
  const error = errorOf(errorCode);
  if (error) return { partition, outcome: error };
  const from = offsets.get(partition) ?? 0;
  const decodeRecords = () => decodeBatches(log, from, aborted);
  return { partition, outcome: { start, end, next: nextOffset(log, from), bytes: log.length, decode: decodeRecords } };
}
