/**
 * Users of Kafka and what they may do: for the bootstrap of a cluster, which comes as an administrator.
 *
 * AlterUserScramCredentials (version 0) is missing in kafkajs. Format:
 * https://kafka.apache.org/protocol#The_Messages_AlterUserScramCredentials; salted passwords: RFC 5802, section 3.
 */
import { pbkdf2Sync, randomBytes } from 'node:crypto';
import type { Protocol } from 'kafkajs/src/network/connectionPool.js';
import Decoder from 'kafkajs/src/protocol/decoder.js';
import Encoder from 'kafkajs/src/protocol/encoder.js';
import { Cluster } from './cluster.ts';
import type { KafkaOptions } from './connect.ts';
import { errorOf, KafkaError } from './errors.ts';
import { persist } from './retry.ts';

const WITHIN_MS = 12_000;
const SCRAM_SHA_512 = 2;
/** Kinds of resources and of changes in IncrementalAlterConfigs. */
const BROKER = 4;
const SET = 0;
/** Kafka's own default. */
const ITERATIONS = 4_096;
const KEY_BYTES = 64;

const RESOURCES = { topic: 2, group: 3, cluster: 4, transactionalId: 5 } as const;
const PATTERNS = { literal: 3, prefixed: 4 } as const;
const OPERATIONS = {
  Read: 3,
  Write: 4,
  Create: 5,
  Delete: 6,
  Alter: 7,
  Describe: 8,
  DescribeConfigs: 10,
  AlterConfigs: 11,
} as const;
const ALLOW = 3;

/** What a user may do with resources of one name, or with all whose names begin with it. */
export interface Permission {
  resource: keyof typeof RESOURCES;
  name: string;
  pattern: keyof typeof PATTERNS;
  operations: readonly (keyof typeof OPERATIONS)[];
}

export interface Access {
  /** Makes the user or gives it another password (SCRAM-SHA-512). */
  putUser(name: string, password: string): Promise<void>;
  /** Adds what is missing; takes nothing away. */
  allow(user: string, permissions: readonly Permission[]): Promise<void>;
  /** Sets settings of every broker, each on itself; also to what they are, which lets it read files that they name again. */
  setOnEachBroker(settings: Readonly<Record<string, string>>): Promise<void>;
  close(): void;
}

/** Each call rejects within 12 s with a sentence, where the broker does not answer or refuses. */
export function connectAccess(options: KafkaOptions): Access {
  const cluster = new Cluster(options);
  const ask = (what: string, attempt: () => Promise<unknown>): Promise<unknown> =>
    persist(attempt, { withinMs: WITHIN_MS, what: `${cluster.name} did not ${what}` });
  return {
    async putUser(name, password) {
      await ask(`take the password of user ${name}`, () =>
        cluster.onController((link) => link.send(putUserRequest(name, password))),
      );
    },
    async allow(user, permissions) {
      const acl = permissions.flatMap(({ resource, name, pattern, operations }) =>
        operations.map((operation) => ({
          resourceType: RESOURCES[resource],
          resourceName: name,
          resourcePatternType: PATTERNS[pattern],
          principal: `User:${user}`,
          host: '*',
          operation: OPERATIONS[operation],
          permissionType: ALLOW,
        })),
      );
      await ask(`allow user ${user} what it needs`, () => cluster.onController((link) => link.broker.createAcls({ acl })));
    },
    async setOnEachBroker(settings) {
      const { nodes } = await cluster.metadata([]);
      for (const { id } of nodes)
        await ask(`take settings of broker ${id}`, () =>
          cluster.onNode(id, '', (link) => link.send(setOnBrokerRequest(id, settings))),
        );
    },
    close: () => cluster.close(),
  };
}

function putUserRequest(name: string, password: string): Protocol<object> {
  const salt = randomBytes(32);
  const salted = pbkdf2Sync(password.normalize('NFKC'), salt, ITERATIONS, KEY_BYTES, 'sha512');
  return {
    request: {
      apiKey: 51,
      apiVersion: 0,
      apiName: 'AlterUserScramCredentials',
      encode: async () => {
        const encoder = new Encoder().writeUVarInt(0); // tags of the header
        encoder.writeUVarInt(1).writeUVarInt(2); // no deletion, one upsertion
        bytes(encoder, Buffer.from(name)).writeInt8(SCRAM_SHA_512).writeInt32(ITERATIONS);
        return bytes(bytes(encoder, salt), salted).writeUVarInt(0).writeUVarInt(0);
      },
    },
    response: {
      decode: async (payload) => {
        const decoder = new Decoder(payload);
        decoder.readUVarInt(); // tags of the header
        decoder.readInt32(); // throttle time
        decoder.readUVarInt(); // one result
        decoder.readUVarIntString();
        const error = errorOf(decoder.readInt16());
        const reason = decoder.readUVarIntString();
        if (error) throw new KafkaError(`the password of user ${name} was refused: ${reason ?? error.message}`, { cause: error });
        return {};
      },
      parse: async (decoded) => decoded,
    },
  };
}

/** IncrementalAlterConfigs (version 1), likewise missing in kafkajs: https://kafka.apache.org/protocol#The_Messages_IncrementalAlterConfigs */
function setOnBrokerRequest(id: number, settings: Readonly<Record<string, string>>): Protocol<object> {
  const name = Buffer.from(String(id));
  const entries = Object.entries(settings);
  return {
    request: {
      apiKey: 44,
      apiVersion: 1,
      apiName: 'IncrementalAlterConfigs',
      encode: async () => {
        const encoder = new Encoder().writeUVarInt(0); // tags of the header
        bytes(encoder.writeUVarInt(2).writeInt8(BROKER), name).writeUVarInt(entries.length + 1);
        for (const [key, value] of entries)
          bytes(bytes(encoder, Buffer.from(key)).writeInt8(SET), Buffer.from(value)).writeUVarInt(0);
        return encoder.writeUVarInt(0).writeInt8(0).writeUVarInt(0); // tags; not only validated; tags
      },
    },
    response: {
      decode: async (payload) => {
        const decoder = new Decoder(payload);
        decoder.readUVarInt(); // tags of the header
        decoder.readInt32(); // throttle time
        decoder.readUVarInt(); // one resource
        const error = errorOf(decoder.readInt16());
        const reason = decoder.readUVarIntString();
        if (error) throw new KafkaError(`settings of broker ${id} were refused: ${reason ?? error.message}`, { cause: error });
        return {};
      },
      parse: async (decoded) => decoded,
    },
  };
}

/** Compact: the length plus one comes first. */
function bytes(encoder: Encoder, value: Buffer): Encoder {
  return encoder.writeUVarInt(value.length + 1).writeBuffer(value);
}
