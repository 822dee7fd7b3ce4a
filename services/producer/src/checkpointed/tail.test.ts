import type { OutRecord } from '@millrace/core/kafka/kafka.ts';
import { encodeReplayPosition, REPLAY_POSITION_HEADER } from '@millrace/core/record/raw.ts';
import { encodeRedrive, REDRIVE_HEADER } from '@millrace/core/record/redrive.ts';
import { expect, test } from 'vitest';
import { FakeBroker } from '../testing/fakeKafka.ts';
import { lastOrdinals } from './tail.ts';

const record = (headers: Record<string, string>): OutRecord => ({ key: null, value: null, headers });
const sent = (ordinal: number): OutRecord => record({ [REPLAY_POSITION_HEADER]: encodeReplayPosition({ run: 'r', ordinal }) });
const redriven = record({
  [REDRIVE_HEADER]: encodeRedrive({
    topicId: 'id',
    partition: 0,
    offset: 0,
    index: 0,
    attempt: 1,
    rawTimestampMs: 0,
    as: 'raw',
  }),
});
const foreign = record({});
const many = (record: OutRecord, count: number): OutRecord[] => Array.from({ length: count }, () => record);

test.each<[string, OutRecord[], number]>([
  ['nothing', [], -1],
  ['its last record', [sent(1), sent(7)], 7],
  ['its last record behind some of another writer', [sent(7), ...many(foreign, 10_000)], 7],
  ['nothing far behind those of another writer, which the processor makes good', [sent(7), ...many(foreign, 20_000)], -1],
  ['its last record behind a redrive of any size', [sent(7), ...many(redriven, 60_000)], 7],
  ['its last record behind a redrive under a live feed of another writer', [sent(7), ...many(redriven, 30_000), foreign], 7],
])('a producer that starts again finds %s', async (_case, records, expected) => {
  const broker = new FakeBroker();
  broker.create('raw', 1);
  const { kafka } = broker.client(() => 'taken');
  if (records.length > 0) await kafka.sender().send('raw', 0, records);
  expect(await lastOrdinals(kafka, 'raw', 'r', new AbortController().signal)).toEqual([expected]);
});
