/**
 * What the answers of a server answer, read from the bytes that pass a proxy: for faults that are meant for one kind of
 * request. One conversation per connection.
 *
 * Kafka (https://kafka.apache.org/protocol): size, then api key, version, correlation id, client id; answers come in the
 * order of their requests. PostgreSQL (https://www.postgresql.org/docs/current/protocol-message-formats.html): type,
 * length, body; a command is done where CommandComplete says so. Neither works inside TLS.
 */

export interface Answered {
  /** What was asked for: a Kafka API (`Produce`), or the PostgreSQL command (`COPY`, `COMMIT`). */
  request: string;
  /** Kafka client id, or PostgreSQL application name. */
  client: string;
}

export interface Conversation {
  /** Takes a chunk on its way to the server. */
  asked(chunk: Buffer): void;
  /** What the answers are for that begin in a chunk on its way to the client; for PostgreSQL: that end in it. */
  answers(chunk: Buffer): Answered[];
}

const KAFKA_APIS: Record<number, string> = {
  0: 'Produce',
  1: 'Fetch',
  3: 'Metadata',
  8: 'OffsetCommit',
  9: 'OffsetFetch',
  11: 'JoinGroup',
  12: 'Heartbeat',
  14: 'SyncGroup',
  22: 'InitProducerId',
  24: 'AddPartitionsToTxn',
  26: 'EndTxn',
};

/** As much of a request as its api key and client id take. */
const KAFKA_HEADER_BYTES = 300;

export function kafkaConversation(): Conversation {
  const waiting: Answered[] = [];
  const requests = frames(0, KAFKA_HEADER_BYTES);
  const answers = frames(0, 0);
  return {
    asked(chunk) {
      for (const { head } of requests(chunk)) {
        const clientBytes = head.readInt16BE(8);
        const client = head.toString('utf8', 10, 10 + Math.max(0, clientBytes));
        waiting.push({ request: KAFKA_APIS[head.readInt16BE(0)] ?? 'other', client });
      }
    },
    answers: (chunk) => answers(chunk).flatMap(() => waiting.shift() ?? []),
  };
}

const COMMAND_COMPLETE = 'C'.charCodeAt(0);

export function postgresConversation(): Conversation {
  let client = '';
  const answers = frames(1, 64);
  return {
    asked(chunk) {
      if (client === '') client = /application_name\0([^\0]*)\0/.exec(chunk.toString('latin1'))?.[1] ?? '';
    },
    answers: (chunk) =>
      answers(chunk)
        .filter(({ type }) => type === COMMAND_COMPLETE)
        .map(({ head }) => ({ request: /^[A-Z]+/.exec(head.toString('latin1'))?.[0] ?? '', client })),
  };
}

/**
 * Cuts a stream into messages of a type (`typeBytes`), a length of 4 bytes, and a body, of which the first `headBytes` are
 * kept. Answers the messages whose head is complete with this chunk. PostgreSQL's length counts itself, Kafka's does not.
 */
function frames(typeBytes: 0 | 1, headBytes: number): (chunk: Buffer) => { type: number; head: Buffer }[] {
  const prefix = typeBytes + 4;
  let kept: Buffer = Buffer.alloc(0);
  let skip = 0;
  return (chunk) => {
    const found: { type: number; head: Buffer }[] = [];
    let rest = Buffer.concat([kept, chunk]);
    for (;;) {
      const skipped = Math.min(skip, rest.length);
      rest = rest.subarray(skipped);
      skip -= skipped;
      if (rest.length < prefix) break;
      const length = rest.readInt32BE(typeBytes) - 4 * typeBytes;
      if (length < 0) throw new Error(`a message of ${length} bytes: the connection does not speak the protocol of this proxy`);
      const wanted = prefix + Math.min(length, headBytes);
      if (rest.length < wanted) break;
      found.push({ type: rest[0] ?? 0, head: rest.subarray(prefix, wanted) });
      rest = rest.subarray(wanted);
      skip = prefix + length - wanted;
    }
    kept = Buffer.from(rest);
    return found;
  };
}
