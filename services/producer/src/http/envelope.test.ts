import { HttpRefusal } from '@millrace/core/http/refusal.ts';
import type { RecordRules } from '@millrace/core/spec/record.ts';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { pipelineOf } from '../testing/pipeline.ts';
import { envelopesOf } from './envelope.ts';

const source = { http: { auth: { open: true } } };
const record: Partial<RecordRules> = { fields: { device: { type: 'text', required: true }, value: { type: 'float' } } };
const plain = envelopesOf(pipelineOf('plain', source, { record }));
const phones = envelopesOf(
  pipelineOf('phones', source, {
    record: {
      decode: 'sensor-logger',
      time: { field: 'time', format: 'epoch_ns' },
      fields: { device: { type: 'text', from: 'deviceId', required: true } },
    },
  }),
);

const take = async (text: string, envelope = plain.json): Promise<[key: string, value: string][]> =>
  (await envelope(Buffer.from(text))).map(({ key, value }) => [key.toString(), value.toString()]);

async function refusal(text: string, envelope = plain.json): Promise<[number, string, string | undefined]> {
  const error: unknown = await envelope(Buffer.from(text)).catch((thrown: unknown) => thrown);
  if (!(error instanceof HttpRefusal)) throw new Error(`not refused: ${String(error)}`);
  return [error.code, error.message, error.field];
}

test('the bytes of a body are one record, unchanged, under the key of its device', async () => {
  const text = ' { "device": "a", "at": 1716760513715797500 }\n';
  expect(await take(text)).toEqual([['a', text]]);
  const array = '[{"device":"a","n":1e400},{"device":"a"}]';
  expect(await take(array)).toEqual([['a', array]]);
});

test('of records within an array the device of all of them is the key; several devices are no reason to refuse them', async () => {
  const field = { type: 'text', from: ['data.device'], required: true } as const;
  const each = envelopesOf(pipelineOf('each', source, { record: { each: 'data', fields: { device: field } } }));
  const one = '{"data":[{"device":"a"},{"device":"a"}]}';
  expect(await take(one, each.json)).toEqual([['a', one]]);
  const two = '{"data":[{"device":"a"},{"device":"b"}]}';
  expect(await take(two, each.json)).toEqual([[expect.any(String), two]]);
});

test('a device that is a long number keeps every digit; other long numbers cost nothing and change nothing', async () => {
  const near = ['1716760513715797500', '1716760513715797501'];
  for (const id of near) expect(await take(`{"device":${id},"at":1716760513715797500}`)).toEqual([[id, expect.any(String)]]);
  expect(await take(`[${near.map((id) => `{"device":${id}}`).join()}]`)).toEqual(near.map((id) => [id, `{"device":${id}}`]));
  expect(await take(`${near.map((id) => `{"device":${id}}`).join('\n')}`, plain.ndjson)).toEqual(
    near.map((id) => [id, `{"device":${id}}`]),
  );
});

test('elements of several devices are a record each, so that each device keeps its order', async () => {
  expect(await take('[{"device":"a", "n": 1.50},{"device":"b"} , {"n":3}]')).toEqual([
    ['a', '{"device":"a", "n": 1.50}'],
    ['b', '{"device":"b"}'],
    [expect.stringMatching(/^[0-9a-f]{16}$/), '{"n":3}'],
  ]);
});

test('a line of ndjson is a record; a broken one is taken as it is, for the processor to refuse alone', async () => {
  expect(await take('{"device":"a"}\n\n{"device":"b"}\r\nnot json\n', plain.ndjson)).toEqual([
    ['a', '{"device":"a"}'],
    ['b', '{"device":"b"}\r'],
    [expect.any(String), 'not json'],
  ]);
});

describe('a body is refused where nothing of it could become a row', () => {
  test.each<[string, string, keyof typeof plain, typeof plain, number, RegExp, string | undefined]>([
    ['nothing', '', 'json', plain, 400, /empty/, undefined],
    ['no JSON', '{"a":', 'json', plain, 400, /not JSON/, undefined],
    ['a number', '5', 'json', plain, 400, /no JSON object/, undefined],
    ['an empty array', '[]', 'json', plain, 400, /empty/, undefined],
    ['nothing but numbers', '[1,2]', 'json', plain, 400, /no JSON object/, undefined],
    ['no device', '{"value":1}', 'json', plain, 400, /field device is missing/, 'device'],
    ['too many', `[${'{},'.repeat(10_000)}{}]`, 'json', plain, 413, /10001 objects/, undefined],
    ['deep', '['.repeat(500_000), 'json', plain, 400, /nested too deeply/, undefined],
    ['too many values', `[${'0,'.repeat(510_000)}0]`, 'json', plain, 413, /objects/, undefined],
    ['no lines', '\n \n', 'ndjson', plain, 400, /empty/, undefined],
    ['no push', '{"deviceId":"d"}', 'json', phones, 400, /payload/, 'payload'],
    ['no reading', '{"deviceId":"d","payload":[]}', 'json', phones, 400, /payload/, 'payload'],
    ['no phone', '{"payload":[{}]}', 'json', phones, 400, /field deviceId is missing/, 'deviceId'],
  ])('%s', async (_name, text, kind, envelopes, code, message, field) => {
    expect(await refusal(text, envelopes[kind])).toEqual([code, expect.stringMatching(message), field]);
  });
});

test('whatever comes is taken whole or refused: nothing is thrown, left out or turned round', async () => {
  const device = fc.option(fc.constantFrom('a', 'b', 7, ''), { nil: undefined });
  const element = fc.oneof(fc.record({ device, note: fc.jsonValue() }, { requiredKeys: [] }), fc.jsonValue({ maxDepth: 2 }));
  await fc.assert(
    fc.asyncProperty(fc.array(element, { maxLength: 6 }), fc.boolean(), async (elements, lines) => {
      const text = lines ? elements.map((one) => JSON.stringify(one)).join('\n') : JSON.stringify(elements);
      const taken = await take(text, lines ? plain.ndjson : plain.json).catch((error: unknown) => error);
      if (taken instanceof HttpRefusal) return;
      const records = (taken as [string, string][]).map(([, value]) => JSON.parse(value));
      // The body of one device is one record.
      expect(!lines && records.length === 1 ? records[0] : records).toEqual(JSON.parse(JSON.stringify(elements)));
    }),
  );
  await fc.assert(
    fc.asyncProperty(fc.uint8Array(), fc.boolean(), async (bytes, lines) => {
      const error = await plain[lines ? 'ndjson' : 'json'](Buffer.from(bytes)).catch((thrown: unknown) => thrown);
      if (!Array.isArray(error)) expect(error).toBeInstanceOf(HttpRefusal);
    }),
  );
});
