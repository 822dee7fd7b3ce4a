import Encoder from 'kafkajs/src/protocol/encoder.js';
import { describe, expect, test } from 'vitest';
import { guardTest } from '../testing/guardTest.ts';
import { produceRequest } from './produce.ts';

interface Answer {
  topic: string;
  partition: number;
  error?: number;
  baseOffset: number;
}

/** What a send to `t/3` makes of a broker's answer. */
async function decoded(...answers: Answer[]): Promise<string> {
  const topics = answers.map(({ topic, partition, error = 0, baseOffset }) =>
    new Encoder()
      .writeString(topic)
      .writeArray([new Encoder().writeInt32(partition).writeInt16(error).writeInt64(baseOffset).writeInt64(-1).writeInt64(0)]),
  );
  const { buffer } = new Encoder().writeArray(topics).writeInt32(0);
  try {
    return `acknowledged at ${await produceRequest('t', 3, Buffer.alloc(0)).response.decode(buffer)}`;
  } catch (error) {
    return (error as Error).message;
  }
}

describe('the answer to a send', () => {
  test('names topic, partition and base offset', async () => {
    expect(await decoded({ topic: 't', partition: 3, baseOffset: 17 })).toBe('acknowledged at 17');
    expect(await decoded({ topic: 't', partition: 3, error: 6, baseOffset: -1 })).toMatch(/not the leader/);
  });

  guardTest('counts although it says nothing of the partition', {
    scenario: () =>
      Promise.all([
        decoded(),
        decoded({ topic: 't', partition: 2, baseOffset: 17 }),
        decoded({ topic: 'u', partition: 3, baseOffset: 17 }),
        decoded({ topic: 't', partition: 3, baseOffset: -1 }),
      ]),
    right: [
      'the answer to a send to t/3 is about nothing',
      'the answer to a send to t/3 is about t/2',
      'the answer to a send to t/3 is about u/3',
      'the answer to a send to t/3 has base offset -1',
    ],
    without: { 'answer-named': expect.arrayContaining([expect.stringContaining('acknowledged')]) },
  });
});
