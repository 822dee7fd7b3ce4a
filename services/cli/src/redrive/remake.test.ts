import type { KafkaRecord } from '@millrace/core/kafka/kafka.ts';
import type { Redrive } from '@millrace/core/record/redrive.ts';
import type { Refusal } from '@millrace/core/record/refusal.ts';
import { expect, test } from 'vitest';
import { needsOriginal, type PartOf, remake } from './remake.ts';

const REFUSAL: Refusal = {
  stage: 'validate',
  reason: 'range',
  message: 'm',
  topic: 'raw',
  partition: 1,
  origin: { topicId: 'id', offset: 7, index: 0 },
  rawTimestampMs: 77,
};
const REDRIVE: Redrive = { topicId: 'old', partition: 1, offset: 3, index: 2, attempt: 4, rawTimestampMs: 33, as: 'raw' };
const OVERSIZE = { oversize: { length: 9_000, sha256: 'ab' } };

/** As one of the log, whose parts are no members of its own: a spread has none of them. */
const recordOf = (value: string, headers: KafkaRecord['headers'] = {}): KafkaRecord =>
  Object.create({ offset: 9, timestampMs: 1, key: Buffer.from('k'), value: Buffer.from(value), headers }) as KafkaRecord;
const original = recordOf('original');
const partOf: PartOf = ({ value }, index) => (String(value) === 'original' ? 'whole' : Buffer.from(`part ${index}`));

/** What is sent: its value and header; or why nothing is. */
function made(change: Partial<Refusal>, from: KafkaRecord | null = null): [string, string] | string {
  const refusal = { ...REFUSAL, ...change };
  const refused = { topic: 'dlq', partition: 1, id: 'x', record: recordOf('kept'), refusal };
  const remade = remake(refused, from, partOf);
  if ('cannot' in remade) return remade.cannot;
  expect(String(remade.record.key)).toBe('k');
  return [String(remade.record.value), String(remade.record.headers['millrace.redrive'])];
}

test.each<[string, Partial<Refusal>, KafkaRecord | null, [string, string] | string]>([
  ['refused whole: its bytes', {}, null, ['kept', 'id:1:7:0:1:77:raw']],
  ['one of several: alone in an array', { part: true }, null, ['[kept]', 'id:1:7:0:1:77:raw']],
  ['redriven before: the place and time of the first refusal', { redrive: REDRIVE }, null, ['kept', 'old:1:3:2:5:33:raw']],
  ['refused by the database: its raw record', { stage: 'store' }, original, ['original', 'id:1:7:0:1:77:raw']],
  [
    'refused by the database, one of several: its object of the raw record',
    { stage: 'store', origin: { ...REFUSAL.origin, index: 3 } },
    recordOf('array'),
    ['[part 3]', 'id:1:7:3:1:77:raw'],
  ],
  ['refused by the database, its raw record gone: the row', { stage: 'store' }, null, ['kept', 'id:1:7:0:1:77:row']],
  ['a row before: the row', { redrive: { ...REDRIVE, as: 'row' } }, null, ['kept', 'old:1:3:2:5:33:row']],
  ['cut, and in the raw topic: whole', OVERSIZE, original, ['original', 'id:1:7:0:1:77:raw']],
  ['cut, an array refused whole: whole', OVERSIZE, recordOf('array'), ['array', 'id:1:7:0:1:77:raw']],
  ['cut, one of several: its object', { ...OVERSIZE, part: true }, recordOf('array'), ['[part 0]', 'id:1:7:0:1:77:raw']],
  [
    'cut, and gone: not',
    OVERSIZE,
    null,
    'only the first 4 of 9,000 bytes are kept, and the raw topic no longer holds the record',
  ],
  ['cut by the source: not', { ...OVERSIZE, unreadable: true }, null, 'only the first 4 of 9,000 bytes are kept'],
  ['not read by the source: not', { unreadable: true }, null, 'the source could not read it: correct it there, and send it anew'],
])('%s', (_case, change, from, expected) => {
  expect(made(change, from)).toEqual(expected);
  if (from !== null) expect(needsOriginal({ ...REFUSAL, ...change })).toBe(true);
});

test.each<[string, Partial<Refusal>]>([
  ['whose bytes are whole', {}],
  ['that the source could not read', { unreadable: true, ...OVERSIZE }],
  ['that was redriven as a row', { stage: 'store', redrive: { ...REDRIVE, as: 'row' } }],
])('the raw topic is not asked for a refusal %s', (_case, change) => {
  expect(needsOriginal({ ...REFUSAL, ...change })).toBe(false);
});

test.each([
  ['its bytes', {}, false],
  ['its raw record', { stage: 'store' as const }, true],
  ['one object of it', { part: true as const }, false],
])('the MQTT topic and the key of the record go with %s', (_name, change, isThere) => {
  const headers = { 'mqtt-topic': Buffer.from('tele/é'), other: Buffer.from('x') };
  const refused = {
    topic: 'dlq',
    partition: 1,
    id: 'x',
    record: recordOf('kept', headers),
    refusal: { ...REFUSAL, ...change },
  };
  const remade = remake(refused, isThere ? recordOf('original', headers) : null, partOf);
  expect(remade).toMatchObject({ record: { key: Buffer.from('k'), headers: { 'mqtt-topic': 'tele/é' } } });
  expect(remade).not.toMatchObject({ record: { headers: { other: 'x' } } });
});
