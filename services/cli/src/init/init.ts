/** A Pipeline for a file that nobody has described: reads a sample, guesses, writes, and tries what was written. */
import { basename } from 'node:path';
import { durationMs } from '@millrace/core/spec/duration.ts';
import { parsePipelines } from '@millrace/core/spec/load.ts';
import { InputError } from '@millrace/producer/replay/piece.ts';
import type { Column } from './column.ts';
import { type Guess, type GuessOptions, guess, namesOfColumns } from './guess.ts';
import { safeName, wordsOf } from './name.ts';
import { outcomeOf } from './outcome.ts';
import { readSample, type Sample } from './sample.ts';
import { headLines, writePipeline } from './write.ts';

/** With more chunks than this a table gets slow. */
const MAX_CHUNKS = 400;
const CHUNKS = ['1d', '7d', '30d', '1y'];

export interface InitOptions {
  /** null: none was asked for. */
  zone: string | null;
  /** The data as the Pipeline's file will name it. */
  path: string;
}

/**
 * The text of a Pipeline for a file, with comments.
 * @throws InputError where the file cannot be read, or where there is nothing to guess from: it says what to write by hand
 */
export async function pipelineFor(file: string, { zone, path }: InitOptions): Promise<string> {
  const read = await readSample(file);
  if (read.values.length === 0) {
    const { count, reason } = read.unreadable;
    const none = read.whole
      ? 'no record'
      : `no whole record in the ${read.bytes.looked} bytes that were looked at (of an array in one large object make a file of that array alone, such as by jq)`;
    const found = count === 0 ? none : `no record that can be read (${count} that cannot: ${reason})`;
    throw new InputError(
      `${file} holds ${found}; allowed is a csv file with a header, a JSON array of objects, or lines of JSON objects`,
    );
  }
  const { pipeline, table, device } = namesFor(file);
  const usedZone = zone ?? 'UTC';
  const { sample, found } = bestOf(read, { zone: usedZone, device, commaLikely: read.dialect?.delimiter === ';' });
  const within =
    sample.others.length === 0 || sample.format === 'csv'
      ? ''
      : `. No column can hold what stands at ${sample.others.join(', ')}`;
  if (found === null)
    throw new InputError(
      `${file}: no column tells the time of a record, and a Pipeline needs one. Looked for were ISO 8601, dates such as 31/12/2024 or 31 Dec 2024, a date and a time of day in two columns, year, month and day in three, and seconds to nanoseconds since 1970, in the columns ${namesOfColumns(sample.columns)}. Write record.time by hand (docs/reference/pipeline.md: field, format, zone), starting from docs/reference/examples/smallest.yaml; a file without any time needs one first${within}${withoutYear(sample.columns)}`,
    );
  const settings = { name: pipeline, table, path, zone: usedZone, zoneGiven: zone !== null };
  const tried = outcomeOf(pipelineIn(writePipeline(sample, found, { ...settings, chunk: null }), file), sample.values);
  const chunk = CHUNKS.find((each) => tried.spanMs / durationMs(each) <= MAX_CHUNKS) ?? '1y';
  const text = writePipeline(sample, found, { ...settings, chunk: chunk === '1d' ? null : chunk });
  pipelineIn(text, file);
  return headLines(basename(file), sample, tried) + text;
}

/** Days that any year may have, as simulations write them. */
function withoutYear(columns: readonly Column[]): string {
  const found = columns.find(({ texts }) => texts.some((text) => /^\s*\d{1,2}[/.-]\d{1,2}[ ,T]+\d{1,2}:\d{2}/.test(text ?? '')));
  return found ? `. ${JSON.stringify(found.path)} has days without a year, which nobody can guess: put it into the file` : '';
}

/** With so many elements in a record, on average, those are the records where they have a time of their own. */
const MANY = 3;

/** The guess about the records, or about the elements of an array in them. */
function bestOf(
  read: Sample,
  options: Pick<GuessOptions, 'zone' | 'device' | 'commaLikely'>,
): { sample: Sample; found: Guess | null } {
  const isNested = read.format !== 'csv';
  const found = guess(read, { ...options, isNested, each: null });
  for (const { path, columns } of read.elements) {
    const elements = guess(columns, { ...options, isNested, each: path });
    const isOwn = elements?.time.paths.every((place) => place.startsWith(`${path}.`)) ?? false;
    const isMany = (read.lists.get(path) ?? 0) >= MANY * read.values.length;
    if (elements && (found === null || (isOwn && isMany)))
      return { sample: { ...read, ...columns, each: path }, found: elements };
  }
  return { sample: read, found };
}

/** @throws Error for a mistake of our own */
function pipelineIn(text: string, file: string) {
  try {
    const [loaded] = parsePipelines(text, 'the guessed Pipeline');
    if (loaded) return loaded.pipeline;
  } catch (error) {
    throw new Error(`a mistake in millrace init, not in ${file}: ${(error as Error).message}\n${text}`, { cause: error });
  }
  throw new Error(`a mistake in millrace init, not in ${file}: no Pipeline in\n${text}`);
}

/** Names by that of the file. */
function namesFor(file: string): { pipeline: string; table: string; device: string } {
  const stem = basename(file).replace(/(?:\.[a-z0-9]{1,8})?(?:\.gz)?$/i, '');
  const words = wordsOf(stem);
  const pipeline = words.join('-').slice(0, 40).replace(/-+$/, '') || 'data';
  return { pipeline, table: safeName(stem, 'data'), device: stem || 'data' };
}
