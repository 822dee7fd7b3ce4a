/** The records of a file as the replay would send them. */
import { resolve } from 'node:path';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import type { MadeRecord } from '@millrace/producer/checkpointed/input.ts';
import { findFiles } from '@millrace/producer/replay/files.ts';
import { BEGINNING, readFiles } from '@millrace/producer/replay/read.ts';
import { recordMaker } from '@millrace/producer/replay/records.ts';

/**
 * @param file path (relative to the working folder), glob or URL; its format is told by its name, else by the Pipeline's replay
 * @throws InputError naming the place where it cannot be read, or not further
 */
export async function* recordsOf(pipeline: Pipeline, file: string, signal: AbortSignal): AsyncGenerator<MadeRecord> {
  const replay = { ...pipeline.spec.source.replay, path: file };
  const make = recordMaker(pipeline, replay, {});
  const files = await findFiles(replay, resolve('.'), signal);
  for await (const pieces of readFiles(pipeline, replay, files, BEGINNING, signal)) {
    for (const placed of pieces) yield make(placed).make(Date.now());
  }
}
