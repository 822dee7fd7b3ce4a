import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Conversation, kafkaConversation, postgresConversation } from './answers.ts';

function kafkaRequest(api: number, client: string, bodyBytes: number): Buffer {
  const head = Buffer.alloc(14);
  head.writeInt32BE(10 + client.length + bodyBytes, 0);
  head.writeInt16BE(api, 4);
  head.writeInt16BE(client.length, 12);
  return Buffer.concat([head, Buffer.from(client), Buffer.alloc(bodyBytes, 1)]);
}

function kafkaAnswer(bodyBytes: number): Buffer {
  const answer = Buffer.alloc(8 + bodyBytes, 2);
  answer.writeInt32BE(4 + bodyBytes, 0);
  return answer;
}

function postgresMessage(type: string, body: string): Buffer {
  const message = Buffer.alloc(5 + body.length);
  message.write(type, 0);
  message.writeInt32BE(4 + body.length, 1);
  message.write(body, 5);
  return message;
}

/** What a conversation says of bytes that come in pieces of these sizes. */
function inPieces(bytes: Buffer, sizes: readonly number[], take: (piece: Buffer) => unknown): void {
  for (let at = 0, n = 0; at < bytes.length; n += 1) {
    const size = sizes[n % sizes.length] ?? 1;
    take(bytes.subarray(at, at + size));
    at += size;
  }
}

const sizes = fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 8 });

test('each answer of a Kafka broker is named after its request, however the bytes are cut', () => {
  const asks = fc.array(fc.record({ api: fc.constantFrom(0, 1, 8), bodyBytes: fc.nat(2_000), answerBytes: fc.nat(900) }));
  fc.assert(
    fc.property(asks, sizes, (all, cut) => {
      const talk: Conversation = kafkaConversation();
      inPieces(Buffer.concat(all.map(({ api, bodyBytes }) => kafkaRequest(api, 'millrace-sink', bodyBytes))), cut, talk.asked);
      const named: string[] = [];
      const answers = Buffer.concat(all.map(({ answerBytes }) => kafkaAnswer(answerBytes)));
      inPieces(answers, cut, (piece) => named.push(...talk.answers(piece).map(({ request, client }) => `${request} ${client}`)));
      const names: Record<number, string> = { 0: 'Produce', 1: 'Fetch', 8: 'OffsetCommit' };
      expect(named).toEqual(all.map(({ api }) => `${names[api]} millrace-sink`));
    }),
  );
});

test('the commands that PostgreSQL has done are named, with the session they are of', () => {
  const answers = Buffer.concat([
    postgresMessage('R', '\0\0\0\0'),
    postgresMessage('D', 'x'.repeat(1_000)),
    postgresMessage('C', 'COPY 500\0'),
    postgresMessage('C', 'COMMIT\0'),
    postgresMessage('Z', 'I'),
  ]);
  fc.assert(
    fc.property(sizes, (cut) => {
      const talk = postgresConversation();
      talk.asked(Buffer.from('\0\0\0\x40\0\x03\0\0user\0millrace\0application_name\0millrace-sink\0\0', 'latin1'));
      const named: string[] = [];
      inPieces(answers, cut, (piece) => named.push(...talk.answers(piece).map(({ request, client }) => `${request} ${client}`)));
      expect(named).toEqual(['COPY millrace-sink', 'COMMIT millrace-sink']);
    }),
  );
});
