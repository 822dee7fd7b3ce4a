import { expect, test } from 'vitest';
import { pipelineOf } from '../testing/pipeline.ts';
import { hashKey, keyReader } from './key.ts';

const BYTES = Buffer.from('x');
const read = keyReader(
  pipelineOf(
    'k',
    { http: { auth: { open: true } } },
    { record: { each: 'list', fields: { device: { type: 'text', from: ['device', 'list.device'] } } } },
  ),
);

test.each([
  [{ device: 'a', list: [{ device: 'b' }] }, 'a'],
  [{ list: [{ device: 'b' }, { device: 'b' }] }, 'b'],
  [{ list: [{ device: 7 }] }, '7'],
  [{ list: [{ device: 'b' }, { device: 'c' }] }, null], // of several devices: the hash, as for any array of them
  [{ list: [{ device: 'b' }, {}] }, null],
  [{ list: [] }, null],
  [{ list: 'b' }, null],
])('the device of %j is %s', (record, key) => {
  expect(read(record, BYTES)).toEqual(key === null ? hashKey(BYTES) : Buffer.from(key));
});
