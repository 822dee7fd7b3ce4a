import { expect, test } from 'vitest';
import { hashKey } from '../send/key.ts';
import { pipelineOf } from '../testing/pipeline.ts';
import { type MqttMessage, recordMaker } from './message.ts';

const pipelineWith = (from: string | string[]) =>
  pipelineOf('m', { mqtt: { url: 'mqtt://x', topics: ['#'] } }, { record: { fields: { device: { type: 'text', from } } } });
const message = (payload: Buffer | string, more: Partial<MqttMessage> = {}): MqttMessage => ({
  topic: 'tele/f2-01/io/J1/door',
  payload: Buffer.from(payload as string),
  oversize: null,
  qos: 1,
  retain: false,
  dup: false,
  ...more,
});
const HASH = Symbol('the hash of its bytes');

test.each<[string, string | string[], string, string | typeof HASH]>([
  ['a level of the topic', '$topic.2', 'no json', 'f2-01'],
  ['a level that is not there', '$topic.9', '{}', HASH],
  ['the topic before the payload', ['$topic.2', 'id'], '{"id":"x"}', 'f2-01'],
  ['the payload before the topic', ['id', '$topic.2'], '{"id":"x"}', 'x'],
  ['the topic where the payload has none', ['id', '$topic.2'], '{"a":1}', 'f2-01'],
  ['the topic where the payload is no JSON', ['id', '$topic.2'], '\xff', 'f2-01'],
  ['the payload', 'id', '{"id":12345678901234567890}', '12345678901234567890'],
  ['what a payload says of the topic: not', '$topic.9', '{"$topic.9":"forged"}', HASH],
  ['an array of one device', 'id', '[{"id":"x"},{"id":"x"}]', 'x'],
  ['an array of several devices', 'id', '[{"id":"x"},{"id":"y"}]', HASH],
  ['an empty array', 'id', '[]', HASH],
  ['no JSON', 'id', 'hello', HASH],
])('the key: %s', (_name, from, payload, key) => {
  const made = recordMaker(pipelineWith(from))(message(payload), 1_000);
  expect(String(made.key)).toBe(String(key === HASH ? hashKey(Buffer.from(payload)) : key));
});

test('bytes stay as they are, and the headers say where they came from', () => {
  const payload = Buffer.from([0x00, 0xff, 0xc3, 0x28]);
  const made = recordMaker(pipelineWith('id'))(message('', { payload, topic: 'a/é' }), 1_234);
  expect(made.value.equals(payload)).toBe(true);
  expect(made.headers).toEqual({ source: 'mqtt', 'received-at': '1234', 'mqtt-topic': 'a/é' });
});

test('what is too large says so, and keeps its device', () => {
  const made = recordMaker(pipelineWith(['$topic.2', 'id']))(
    message('{"id"', { oversize: { length: 2_000_000, sha256: 'ab' } }),
    1,
  );
  expect(String(made.key)).toBe('f2-01');
  expect(made.headers).toMatchObject({
    unreadable: 'the message under "tele/f2-01/io/J1/door" has 2000000 bytes; allowed are at most 1048576 (spec.record.maxBytes)',
    'original-length': '2000000',
  });
});

test('a topic that no header holds is told, and not sent along', () => {
  const { headers } = recordMaker(pipelineWith('id'))(message('{}', { topic: 'x'.repeat(40_000) }), 1);
  expect(headers).not.toHaveProperty('mqtt-topic');
  expect(headers.unreadable).toMatch(/^the message under "x{200}"… has a topic of 40000 bytes; allowed are 32768$/);
});
