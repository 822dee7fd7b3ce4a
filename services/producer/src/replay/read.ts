/** From files to their records, in order: a format is one reader and one line in the table. */
import { maxRecordBytesOf } from '@millrace/core/spec/defaults.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import type { Replay } from '@millrace/core/spec/source.ts';
import type { Place } from '../checkpointed/input.ts';
import { opener } from './bytes.ts';
import { readCsv } from './csv.ts';
import type { Format, InputFile } from './files.ts';
import { readJson } from './json.ts';
import { readNdjson } from './ndjson.ts';
import type { CsvRules, Read } from './piece.ts';
import type { PlacedPiece } from './records.ts';

/** What a replay says about how its files are read. */
export type ReadSettings = Pick<Replay, 'delimiter' | 'quote' | 'encoding' | 'header' | 'skip' | 'columns'>;

const READERS: Record<Format, Read> = { csv: readCsv, json: readJson, ndjson: readNdjson };

/** The first record of the first file. */
export const BEGINNING: Place = { loop: 0, file: 0, byte: 0, crc: 0 };

/**
 * One round of records from a place on, in chunks.
 * @param files as `findFiles` gives them
 * @throws InputError naming the place where a file cannot be read, or not further
 */
export async function* readFiles(
  pipeline: Pipeline,
  replay: ReadSettings,
  files: readonly InputFile[],
  from: Place,
  signal: AbortSignal,
): AsyncGenerator<PlacedPiece[]> {
  const { loop } = from;
  const maxBytes = maxRecordBytesOf(pipeline);
  const csv = csvRulesOf(replay);
  let crc = from.crc ?? 0;
  for (const [file, { path, name, format }] of files.entries()) {
    if (file < from.file) continue;
    const start = { byte: file === from.file ? from.byte : 0, crc };
    for await (const chunk of READERS[format](opener(path, signal, replay.encoding), start, { name, maxBytes, csv })) {
      crc = chunk.crc;
      yield chunk.pieces.map((piece) => ({ piece, name, next: { loop, file, byte: piece.end, crc: piece.crc } }));
    }
  }
}

function csvRulesOf({ delimiter = ',', quote = '"', header = 1, skip = 0, columns }: ReadSettings): CsvRules {
  return { delimiter, quote, header, skip, columns: columns ?? null };
}
