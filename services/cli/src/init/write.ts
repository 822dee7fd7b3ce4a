/** The guesses as a Pipeline in YAML, each with a comment that says why and how to change it. Pure. */
import { DEFAULT_MAX_RECORD_BYTES } from '@millrace/core/spec/defaults.ts';
import { Document, type Node, type Pair, type Scalar } from 'yaml';
import { count, many, printable } from '../text.ts';
import { times } from './column.ts';
import type { Guess } from './guess.ts';
import type { SampleOutcome } from './outcome.ts';
import type { Sample } from './sample.ts';

export interface Written {
  /** Of the Pipeline; the table has the same with _ for -. */
  name: string;
  table: string;
  /** Of the data, as the Pipeline's file will name it. */
  path: string;
  zone: string;
  /** Whether the zone was asked for, or is assumed. */
  zoneGiven: boolean;
  /** Of a hypertable chunk; null: the default. */
  chunk: string | null;
}

/** The Pipeline without what stands above it. */
export function writePipeline(sample: Sample, guess: Guess, written: Written): string {
  const document = new Document(
    {
      apiVersion: 'millrace.dev/v1alpha1',
      kind: 'Pipeline',
      metadata: { name: written.name },
      spec: {
        source: { replay: replayOf(sample, guess, written.path) },
        ...(guess.key === null ? { topics: { partitions: 1 } } : {}),
        record: {
          ...(sample.decode === 'json' ? {} : { decode: sample.decode }),
          ...(sample.each === null ? {} : { each: sample.each }),
          ...maxBytesOf(sample),
          key: guess.keyName,
          time: timeOf(guess, written),
          fields: Object.fromEntries(guess.fields.map(({ name, field }) => [name, field])),
        },
        table: {
          name: written.table,
          ...(written.chunk === null ? {} : { chunk: written.chunk }),
          ...(sample.format === 'csv' && sample.others.length === 0 ? {} : { extra: true }),
        },
      },
    },
    { compat: 'yaml-1.1' }, // `no` and `on` mean something to kubectl
  );
  const node = (...path: string[]): Node => document.getIn(path, true) as Node;
  const comment = (notes: readonly string[], ...path: string[]): void => {
    const text = notes.map(printable).join('; ');
    if (text !== '') node(...path).comment = ` ${text}`;
  };
  inline(node('metadata'));
  if (guess.key === null) {
    inline(node('spec', 'topics'));
    comment(['one device: its rows keep their order'], 'spec', 'topics');
  }
  if (sample.each !== null) comment(['each element of this array is a row'], 'spec', 'record', 'each');
  comment(keyNotes(guess), 'spec', 'record', 'key');
  inline(node('spec', 'record', 'time'));
  above(document, ['spec', 'record'], 'time', timeNotes(guess, written));
  for (const { name, notes } of guess.fields) {
    inline(node('spec', 'record', 'fields', name));
    comment(notes, 'spec', 'record', 'fields', name);
  }
  above(document, ['spec', 'record'], 'fields', fieldNotes(sample, guess));
  if (written.chunk !== null) comment(['by the time between the first and the last row'], 'spec', 'table', 'chunk');
  if (document.hasIn(['spec', 'table', 'extra']))
    comment(['what no field names is kept in a JSONB column'], 'spec', 'table', 'extra');
  return document.toString({ lineWidth: 0, flowCollectionPadding: true }) + rollupLines(guess);
}

/** Twice the largest record, where the default is too small for it. */
function maxBytesOf({ values }: Sample): { maxBytes?: number } {
  const largest = values.reduce((most, { length }) => Math.max(most, length), 0);
  return largest > DEFAULT_MAX_RECORD_BYTES ? { maxBytes: Math.min(2 * largest, MOST_RECORD_BYTES) } : {};
}

/** The spec takes no more. */
const MOST_RECORD_BYTES = 16_777_216;

function replayOf({ format, encoding, dialect }: Sample, guess: Guess, path: string): object {
  const named = /\.(csv|json|ndjson|jsonl)(?:\.gz)?$/i.exec(path)?.[1]?.toLowerCase().replace('jsonl', 'ndjson');
  const { delimiter = ',', quote = '"', header = 1, skip = 0, names = [], isNamed = true } = dialect ?? {};
  const last = names.findLastIndex((name) => !guess.leftOut.includes(name));
  return {
    path,
    ...(named === format ? {} : { format }),
    ...(delimiter === ',' ? {} : { delimiter }),
    ...(quote === '"' ? {} : { quote }),
    ...(encoding === 'utf-8' ? {} : { encoding }),
    ...(header === 1 ? {} : { header }),
    ...(skip === 0 ? {} : { skip }),
    ...(isNamed ? {} : { columns: names.slice(0, last + 1) }),
  };
}

function timeOf({ time: { paths, format, guess } }: Guess, { zone }: Written): object {
  const [field, ...and] = paths;
  return {
    field,
    ...(and.length === 0 ? {} : { and }),
    ...(format === 'iso' ? {} : { format }),
    ...(guess?.locale ? { locale: guess.locale } : {}),
    ...(guess?.zoned ? {} : { zone }),
    ...(guess?.nanoseconds ? { nanoseconds: true } : {}),
  };
}

function keyNotes({ key, keyName }: Guess): string[] {
  return key === null
    ? [`no column names a device: every row gets the default of ${keyName}, below`]
    : [`the device, a guess: ${key.reason}`];
}

function timeNotes({ time: { reason, guess }, zoneSays }: Guess, { zone, zoneGiven }: Written): string[] {
  const notes = [`The time, a guess: ${reason}.`];
  if (guess?.order) notes.push(`${capital(guess.order.reason)}; else format: ${JSON.stringify(guess.order.other)}`);
  if (!guess?.zoned)
    notes.push(
      zoneGiven
        ? `The file names no zone: ${zone} is that of --zone.`
        : 'The file names no zone: UTC is ASSUMED. Another one: zone: Europe/Berlin here (and in fields of type time), or millrace init --zone Europe/Berlin',
    );
  if (zoneSays !== null) notes.push(`A column says a zone, which is not looked at: ${zoneSays}`);
  if (guess && guess.others.size > 0) {
    const shown = [...guess.others].slice(0, 3).map(([text, count]) => `${JSON.stringify(text.slice(0, 30))} (${times(count)})`);
    notes.push(`No such time, and refused: ${shown.join(', ')}`);
  }
  return notes;
}

function fieldNotes({ others, format }: Sample, { leftOut }: Guess): string[] {
  const list = (names: readonly string[]): string =>
    `${names.slice(0, 10).join(', ')}${names.length > 10 ? ` and ${names.length - 10} more` : ''}`;
  return [
    ...(leftOut.length === 0 ? [] : [`Left out, since they have no name and no value: ${list(leftOut)}`]),
    ...(others.length === 0
      ? []
      : [
          format === 'csv'
            ? `Not named here: ${list(others)}`
            : `No column can hold these as they are; they are kept in "extra": ${list(others)}`,
        ]),
  ];
}

function rollupLines({ measured, keyName }: Guess): string {
  if (measured.length === 0) return '';
  const of = measured.slice(0, 64).map(asText).join(', ');
  return `  # Statistics per hour and device (avg, min, max, count, stddev): take the # away
  # rollups:
  #   - { every: 1h, by: [${asText(keyName)}], of: [${of}] }
`;
}

/** In quotes where kubectl, which reads YAML 1.1, would see something else than a name. */
function asText(name: string): string {
  return /^(y|n|yes|no|on|off|true|false|null)$/i.test(name) ? JSON.stringify(name) : name;
}

/** What stands above the Pipeline. */
export function headLines(file: string, sample: Sample, outcome: SampleOutcome): string {
  const { looked, total } = sample.bytes;
  const isOrAre = (number: number): string => `${count(number)} ${number === 1 ? 'is' : 'are'}`;
  const part = sample.whole
    ? `the whole file (${count(looked)} bytes)`
    : total === null
      ? `its first ${count(looked)} bytes, unpacked`
      : `${count(looked)} of its ${count(total)} bytes: its beginning${sample.format === 'json' ? '' : ', and pieces of the rest up to its end'}`;
  const lines = [
    `Written by \`millrace init ${file}\`, which looked at ${part}.`,
    `Of the ${many(sample.values.length, 'record')} in it these rules make ${many(outcome.rows, 'row')}; ${isOrAre(outcome.refused)} refused.`,
    ...(outcome.times === null ? [] : [`Their times are from ${outcome.times.from} to ${outcome.times.to}.`]),
    ...(outcome.repeated === 0
      ? []
      : [
          `${many(outcome.repeated, 'row')} in an hour that the clocks showed twice: taken as the earlier one, the file does not tell which`,
        ]),
    ...outcome.reasons.map((reason) => `  refused: ${reason}`),
    ...(sample.unreadable.count === 0
      ? []
      : [`${count(sample.unreadable.count)} more cannot be read, and will be refused: ${sample.unreadable.reason}`]),
    ...(sample.whole
      ? []
      : [
          'What differs in the rest is refused with the reason (millrace dlq list), and can be sent again once this file is corrected.',
        ]),
    'What is a guess says so. Rows before anything is started: millrace validate THIS --sample FILE; all that can be said: docs/reference/pipeline.md',
  ];
  return lines.map((line) => `# ${printable(line).slice(0, 400)}\n`).join('');
}

function inline(node: Node): void {
  (node as Node & { flow?: boolean }).flow = true;
}

/** Puts lines above a name. */
function above(document: Document, path: readonly string[], name: string, lines: readonly string[]): void {
  if (lines.length === 0) return;
  const map = document.getIn(path, true) as { items: Pair<Scalar>[] };
  const pair = map.items.find(({ key }) => key.value === name);
  if (pair) pair.key.commentBefore = lines.map((line) => ` ${printable(line)}`).join('\n');
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
