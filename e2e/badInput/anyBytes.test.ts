/** Any bytes: what is in them is stored, refused or dropped, in their order, and nothing else comes out. No server is needed. */
import type { KafkaRecord } from '@millrace/core/kafka/kafka.ts';
import { freshProgress, type Progress } from '@millrace/core/record/progress.ts';
import { encodeUnreadable } from '@millrace/core/record/raw.ts';
import { decodeRow } from '@millrace/core/record/row.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import { columnsOf } from '@millrace/core/table/columns.ts';
import { transformBatch } from '@millrace/processor/batch.ts';
import { compileTransform } from '@millrace/processor/transform.ts';
import { readCsv } from '@millrace/producer/replay/csv.ts';
import { readJson } from '@millrace/producer/replay/json.ts';
import { readNdjson } from '@millrace/producer/replay/ndjson.ts';
import { InputError, type Piece, type Read } from '@millrace/producer/replay/piece.ts';
import { recordMaker } from '@millrace/producer/replay/records.ts';
import { copyLine } from '@millrace/sink/copyText.ts';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FORMATS, type Format, fileOf, rawValue, SEED } from './anyBytes.ts';
import { pipelineOf } from './badInput.ts';

console.log(`seed ${SEED} (give it again by SEED=${SEED})`);

const READERS: Record<Format, Read> = { csv: readCsv, json: readJson, ndjson: readNdjson };
const MAX_BYTES = 1_024;
const PIPELINES = [false, true].map((extra): Pipeline => {
  const fields = { id: { type: 'text' as const, required: true }, value: { type: 'float' as const, max: 1e9 } };
  const where = [{ name: 'far', cel: 'value > -1000.0 || value == null' }];
  const record = { fields, where, maxBytes: MAX_BYTES };
  return pipelineOf({ fear: '', file: 'a.csv', bytes: '', rows: [], record, table: { extra } }, 'any');
});

/** Every piece of a file, and what stopped the reading; null: its end. */
async function read(format: Format, file: Buffer, chunkBytes: number): Promise<{ pieces: Piece[]; error: InputError | null }> {
  const pieces: Piece[] = [];
  async function* open(from: number): AsyncGenerator<Buffer> {
    for (let at = from; at < file.length; at += chunkBytes) yield file.subarray(at, at + chunkBytes);
  }
  try {
    const rules = { name: 'a file', maxBytes: MAX_BYTES, csv: { delimiter: ',', quote: '"', header: 1, skip: 0, columns: null } };
    for await (const chunk of READERS[format](open, { byte: 0, crc: 0 }, rules)) pieces.push(...chunk.pieces);
    return { pieces, error: null };
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return { pieces, error };
  }
}

/** What may stand between two records; of a csv also rows of delimiters only, and the header before the first one. */
const BETWEEN: Record<Format, RegExp> = { csv: /^[\s,]*$/, json: /^[\s,[\]\ufeff]*$/, ndjson: /^[\s\ufeff]*$/ };

function expectAllOfIt(format: Format, file: Buffer, pieces: readonly Piece[], error: InputError | null): void {
  let read = 0;
  for (const { bytes, start, end, oversize } of pieces) {
    const between = file.subarray(read, start).toString();
    if (format !== 'csv' || read > 0) expect(between).toMatch(BETWEEN[format]);
    const whole = file.subarray(start, end);
    expect(whole.indexOf(bytes)).toBeGreaterThanOrEqual(0);
    if (!oversize) expect(whole.toString().replace(bytes.toString(), '')).toMatch(BETWEEN[format]);
    read = end;
  }
  if (error === null && (format !== 'csv' || read > 0)) expect(file.subarray(read).toString()).toMatch(BETWEEN[format]);
}

/** Raw records as Kafka would give them. */
function rawOf(pipeline: Pipeline, pieces: readonly Piece[]): KafkaRecord[] {
  const make = recordMaker(pipeline, { path: 'a' }, {});
  return pieces.map((piece, offset) => {
    const { key, value, unreadable } = make({ piece, name: 'a file', next: { loop: 0, file: 0, byte: piece.end } }).make(0);
    const headers = Object.entries(unreadable ? encodeUnreadable(unreadable) : {});
    return {
      offset,
      timestampMs: 1,
      key,
      value,
      headers: Object.fromEntries(headers.map(([name, text]) => [name, Buffer.from(text)])),
    };
  });
}

async function expectEveryEnd(pipeline: Pipeline, records: readonly KafkaRecord[]): Promise<Progress> {
  const signal = new AbortController().signal;
  const input = { topic: 'raw', partition: 0, records, progress: freshProgress('id', 'processed'), maxBytes: MAX_BYTES, signal };
  const { processed, dlq, progress, refusals } = await transformBatch({ ...input, transform: compileTransform(pipeline) });
  expect(progress.raw).toBe(processed.length + dlq.length + progress.dropped);
  expect(refusals.filter(({ outcome }) => outcome.reason === 'internal')).toEqual([]);
  const columns = columnsOf(pipeline);
  for (const { value } of processed) expect(copyLine(decodeRow(value as Buffer, columns), columns)).not.toBe('');
  const offsets = processed.map(({ headers }) => Number(String(headers?.origin).split(':')[1]));
  expect(offsets).toEqual(offsets.toSorted((a, b) => a - b));
  return progress;
}

test.each(FORMATS)('whatever a %s file holds', { timeout: 300_000 }, async (format) => {
  await fc.assert(
    fc.asyncProperty(
      fileOf(format),
      fc.integer({ min: 1, max: 300 }),
      fc.constantFrom(...PIPELINES),
      async (file, chunk, pipeline) => {
        const { pieces, error } = await read(format, file, chunk);
        expectAllOfIt(format, file, pieces, error);
        const { raw } = await expectEveryEnd(pipeline, rawOf(pipeline, pieces));
        // An array within an array is several rows; everything else is one.
        if (!pieces.some(({ bytes }) => bytes[0] === 0x5b)) expect(raw).toBe(pieces.length);
      },
    ),
    { seed: SEED, numRuns: 1_000 },
  );
});

test('whatever another writer puts into the raw topic', { timeout: 300_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(rawValue, { maxLength: 20 }), fc.constantFrom(...PIPELINES), async (values, pipeline) => {
      const records = values.map((value, offset) => ({ offset, timestampMs: 1, key: null, value, headers: {} }));
      expect((await expectEveryEnd(pipeline, records)).raw).toBeGreaterThanOrEqual(values.length);
    }),
    { seed: SEED, numRuns: 500 },
  );
});
