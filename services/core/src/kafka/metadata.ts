/**
 * Metadata request and response, version 12: the first that asks for topics by name and answers with topic ids (KIP-516).
 * kafkajs has codecs up to version 6. Format: https://kafka.apache.org/protocol#The_Messages_Metadata
 */
import type { Protocol } from 'kafkajs/src/network/connectionPool.js';
import Decoder from 'kafkajs/src/protocol/decoder.js';
import Encoder from 'kafkajs/src/protocol/encoder.js';

export interface PartitionMetadata {
  partition: number;
  /** Node id of the leader, -1 while there is none. */
  leader: number;
  /** Counts the partition's leaders: another number means that the log may have been cut back. */
  leaderEpoch: number;
}

export interface TopicMetadata {
  /** 0, or 3 where there is no such topic. */
  errorCode: number;
  name: string;
  /** Topic id as base64url, Kafka's own text form. */
  id: string;
  partitions: PartitionMetadata[];
}

export interface Metadata {
  nodes: { id: number; address: string }[];
  controller: number;
  topics: TopicMetadata[];
}

export function metadataRequest(topics: readonly string[]): Protocol<Metadata> {
  return {
    request: {
      apiKey: 3,
      apiVersion: 12,
      apiName: 'Metadata',
      encode: async () => {
        const encoder = new Encoder().writeUVarInt(0).writeUVarInt(topics.length + 1); // tags of the header, compact array
        for (const topic of topics) {
          const name = Buffer.from(topic);
          encoder
            .writeBuffer(Buffer.alloc(16))
            .writeUVarInt(name.length + 1)
            .writeBuffer(name)
            .writeUVarInt(0);
        }
        return encoder.writeBoolean(false).writeBoolean(false).writeUVarInt(0); // creates no topic, asks for no rights
      },
    },
    response: { decode: async (payload) => decodeMetadata(payload), parse: async (metadata) => metadata },
  };
}

export function decodeMetadata(payload: Buffer): Metadata {
  const decoder = new Decoder(payload);
  skipTags(decoder);
  decoder.readInt32(); // throttle time
  const nodes = array(decoder, () => {
    const id = decoder.readInt32();
    const host = text(decoder);
    const port = decoder.readInt32();
    decoder.readUVarIntString(); // rack
    skipTags(decoder);
    return { id, address: host.includes(':') ? `[${host}]:${port}` : `${host}:${port}` };
  });
  decoder.readUVarIntString(); // cluster id
  const controller = decoder.readInt32();
  const topics = array(decoder, () => {
    const errorCode = decoder.readInt16();
    const name = text(decoder);
    const id = decoder.readBytes(16)?.toString('base64url') ?? '';
    decoder.readBoolean(); // internal
    const partitions = array(decoder, () => {
      decoder.readInt16(); // an error code that the leader says better
      const partition = decoder.readInt32();
      const leader = decoder.readInt32();
      const leaderEpoch = decoder.readInt32();
      for (let list = 0; list < 3; list++) array(decoder, () => decoder.readInt32()); // replicas, in sync, offline
      skipTags(decoder);
      return { partition, leader, leaderEpoch };
    });
    decoder.readInt32(); // rights
    skipTags(decoder);
    return { errorCode, name, id, partitions };
  });
  return { nodes, controller, topics };
}

function array<T>(decoder: Decoder, read: () => T): T[] {
  return decoder.readUVarIntArray(read) ?? [];
}

function text(decoder: Decoder): string {
  return decoder.readUVarIntString() ?? '';
}

/** kafkajs' readTaggedFields is off by one for each field. */
function skipTags(decoder: Decoder): void {
  for (let left = decoder.readUVarInt(); left > 0; left--) {
    decoder.readUVarInt();
    decoder.offset += decoder.readUVarInt();
  }
}
