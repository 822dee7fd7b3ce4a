/** The records of a file as the replay would send them. */
import { resolve } from 'node:path';
import { maxRecordBytesOf } from '@millrace/core/spec/defaults.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import { opener } from '@millrace/producer/replay/bytes.ts';
import { readCsv } from '@millrace/producer/replay/csv.ts';
import { type Format, findFiles } from '@millrace/producer/replay/files.ts';
import { readJson } from '@millrace/producer/replay/json.ts';
import { readNdjson } from '@millrace/producer/replay/ndjson.ts';
import type { Read } from '@millrace/producer/replay/piece.ts';
import { recordMaker } from '@millrace/producer/replay/records.ts';
import type { MadeRecord } from '@millrace/producer/send/input.ts';

const READERS: Record<Format, Read> = { csv: readCsv, json: readJson, ndjson: readNdjson };

/**
 * @param file path (relative to the working folder), glob or URL; its format is told by its name, else by the Pipeline's replay
 * @throws InputError naming the place where it cannot be read, or not further
 */
export async function* recordsOf(pipeline: Pipeline, file: string, signal: AbortSignal): AsyncGenerator<MadeRecord> {
  const replay = { ...pipeline.spec.source.replay, path: file };
  const make = recordMaker(pipeline, replay, {});
  for (const [index, { path, name, format }] of (await findFiles(replay, resolve('.'), signal)).entries()) {
    const rules = { name, maxBytes: maxRecordBytesOf(pipeline), delimiter: replay.delimiter ?? ',' };
    for await (const { pieces } of READERS[format](opener(path, signal), { byte: 0, crc: 0 }, rules)) {
      for (const piece of pieces)
        yield make({ piece, name, next: { loop: 0, file: index, byte: piece.end, crc: 0 } }).make(Date.now());
    }
  }
}
