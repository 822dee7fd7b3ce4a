/**
 * The parts of kafkajs 2.2.4 that Millrace uses: one connection's framing, SASL and time-outs, and the request and
 * response codecs that it has. Its own cluster, producer and consumer are not used: their traps (acknowledged records lost on
 * a leader change, sends that resolve unsent, seeks that reset silently) are in their retry loops, not on the wire.
 */
declare module 'kafkajs/src/broker/index.js' {
  import type ConnectionPool from 'kafkajs/src/network/connectionPool.js';
  import type { KafkajsLogger } from 'kafkajs/src/network/connectionPool.js';

  export interface MemberProtocol {
    name: string;
    metadata: Buffer;
  }

  export default class Broker {
    constructor(options: { connectionPool: ConnectionPool; logger: KafkajsLogger; authenticationTimeout: number });
    versions: Record<number, { minVersion: number; maxVersion: number }> | null;
    connect(): Promise<void>;
    findGroupCoordinator(request: {
      groupId: string;
      coordinatorType: 0 | 1;
    }): Promise<{ coordinator: { nodeId: number; host: string; port: number } }>;
    joinGroup(request: {
      groupId: string;
      sessionTimeout: number;
      rebalanceTimeout: number;
      memberId: string;
      groupProtocols: MemberProtocol[];
    }): Promise<{
      generationId: number;
      leaderId: string;
      memberId: string;
      members: { memberId: string; memberMetadata: Buffer }[];
    }>;
    syncGroup(request: {
      groupId: string;
      generationId: number;
      memberId: string;
      groupAssignment: { memberId: string; memberAssignment: Buffer }[];
    }): Promise<{ memberAssignment: Buffer }>;
    heartbeat(request: { groupId: string; groupGenerationId: number; memberId: string }): Promise<unknown>;
    leaveGroup(request: { groupId: string; memberId: string }): Promise<unknown>;
    offsetFetch(request: { groupId: string; topics: { topic: string; partitions: { partition: number }[] }[] }): Promise<{
      responses: { topic: string; partitions: { partition: number; offset: string; metadata: string | null }[] }[];
    }>;
    listOffsets(request: {
      replicaId: number;
      isolationLevel: 0 | 1;
      topics: { topic: string; partitions: { partition: number; timestamp: number }[] }[];
    }): Promise<{ responses: { topic: string; partitions: { partition: number; offset: string }[] }[] }>;
    initProducerId(request: {
      transactionalId?: string;
      transactionTimeout: number;
    }): Promise<{ producerId: string; producerEpoch: number }>;
    addPartitionsToTxn(request: {
      transactionalId: string;
      producerId: string;
      producerEpoch: number;
      topics: { topic: string; partitions: number[] }[];
    }): Promise<unknown>;
    endTxn(request: {
      transactionalId: string;
      producerId: string;
      producerEpoch: number;
      transactionResult: boolean;
    }): Promise<unknown>;
    createTopics(request: {
      topics: {
        topic: string;
        numPartitions: number;
        replicationFactor: number;
        configEntries: { name: string; value: string }[];
      }[];
      timeout: number;
    }): Promise<unknown>;
    createPartitions(request: { topicPartitions: { topic: string; count: number }[]; timeout: number }): Promise<unknown>;
    deleteTopics(request: { topics: string[]; timeout: number }): Promise<unknown>;
    describeGroups(request: { groupIds: string[] }): Promise<{ groups: { groupId: string; members: unknown[] }[] }>;
    createAcls(request: {
      acl: {
        resourceType: number;
        resourceName: string;
        resourcePatternType: number;
        principal: string;
        host: string;
        operation: number;
        permissionType: number;
      }[];
    }): Promise<unknown>;
    deleteGroups(groupIds: string[]): Promise<{ results: { groupId: string; errorCode: number }[] }>;
    describeConfigs(request: { resources: { type: number; name: string }[] }): Promise<{
      resources: { configEntries: { configName: string; configValue: string | null }[] }[];
    }>;
  }
}

declare module 'kafkajs/src/network/connectionPool.js' {
  import type { Socket } from 'node:net';
  import type { ConnectionOptions } from 'node:tls';
  import type Encoder from 'kafkajs/src/protocol/encoder.js';

  export interface KafkajsLogger {
    namespace(name: string): KafkajsLogger;
    debug(message: string, fields?: object): void;
    info(message: string, fields?: object): void;
    warn(message: string, fields?: object): void;
    error(message: string, fields?: object): void;
  }

  export interface Protocol<T> {
    request: { apiKey: number; apiVersion: number; apiName: string; encode(): Promise<Encoder> };
    response: { decode(payload: Buffer): Promise<T>; parse(decoded: T): Promise<T> };
    requestTimeout?: number;
    logResponseError?: boolean;
  }

  export interface Connection {
    socket?: Socket;
    isConnected(): boolean;
    connect(): Promise<boolean>;
    authenticate(): Promise<void>;
    disconnect(): Promise<boolean>;
    rejectRequests(error: Error): void;
    send<T>(protocol: Protocol<T>): Promise<T>;
  }

  export interface SocketRequest {
    host: string;
    port: number;
    ssl: ConnectionOptions | null;
    onConnect(): void;
  }

  export default class ConnectionPool {
    constructor(options: {
      host: string;
      port: number;
      clientId: string;
      ssl: ConnectionOptions | null;
      sasl: { mechanism: string; username: string; password: string } | null;
      connectionTimeout: number;
      requestTimeout: number;
      enforceRequestTimeout: boolean;
      socketFactory(request: SocketRequest): Socket;
      logger: KafkajsLogger;
    });
    /** [0] for all requests, [1] for fetches. */
    pool: [Connection, Connection];
  }
}

declare module 'kafkajs/src/network/requestQueue/index.js' {
  export default class RequestQueue {
    pending: unknown[];
    scheduleCheckPendingRequests(): void;
  }
}

declare module 'kafkajs/src/protocol/requests/offsetCommit/index.js' {
  import type { Protocol } from 'kafkajs/src/network/connectionPool.js';

  const requests: {
    protocol(of: {
      version: 4;
    }): (request: {
      groupId: string;
      groupGenerationId: number;
      memberId: string;
      retentionTime: number;
      topics: { topic: string; partitions: { partition: number; offset: string; metadata: string }[] }[];
    }) => Protocol<unknown>;
  };
  export default requests;
}

declare module 'kafkajs/src/protocol/encoder.js' {
  export default class Encoder {
    constructor(initialSize?: number);
    readonly buffer: Buffer;
    writeInt8(value: number): this;
    writeInt16(value: number): this;
    writeInt32(value: number): this;
    writeInt64(value: number | string): this;
    writeBoolean(value: boolean): this;
    writeString(value: string | null): this;
    writeUVarInt(value: number): this;
    writeBuffer(value: Buffer): this;
    writeArray(value: Encoder[]): this;
  }
}

declare module 'kafkajs/src/protocol/decoder.js' {
  export default class Decoder {
    constructor(buffer: Buffer);
    offset: number;
    readInt8(): number;
    readInt16(): number;
    readInt32(): number;
    readInt64(): bigint;
    readBoolean(): boolean;
    readString(): string | null;
    readUVarInt(): number;
    readUVarIntString(): string | null;
    readBytes(length?: number): Buffer | null;
    readArray<T>(reader: (decoder: Decoder) => T): T[];
    readUVarIntArray<T>(reader: (decoder: Decoder) => T): T[] | null;
  }
}

declare module 'kafkajs/src/protocol/error.js' {
  const error: { createErrorFromCode(code: number): Error };
  export default error;
}

declare module 'kafkajs/src/protocol/recordBatch/crc32C/index.js' {
  export default function crc32C(buffer: Buffer): number;
}

declare module 'kafkajs/src/consumer/assignerProtocol.js' {
  const protocol: {
    MemberMetadata: { encode(metadata: { version: number; topics: string[] }): Buffer };
    MemberAssignment: {
      encode(value: { version: number; assignment: Record<string, number[]> }): Buffer;
      decode(buffer: Buffer): { assignment: Record<string, number[]> } | null;
    };
  };
  export default protocol;
}
