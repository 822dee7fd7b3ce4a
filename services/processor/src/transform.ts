/**
 * From a raw record to table rows. Pure: the same record and Pipeline always give the same outcomes in the same order.
 *
 * Invariants:
 * - Every object in a raw record ends in exactly one outcome: a row, a refusal or a counted drop; a record that cannot be
 *   read at all, by the source or here, ends in one refusal. `index` is the object's place in the record, not among the rows, so that it stays
 *   the same when rules change (rule 4 of DESIGN 1.2 compares it).
 * - It never throws: a mistake of our own becomes a refusal with reason `internal`, and the caller says so loudly. So one
 *   record can neither stop its partition nor vanish.
 */
import { CelError } from '@millrace/core/cel/cel.ts';
import { compileRules } from '@millrace/core/cel/rules.ts';
import type { KafkaRecord } from '@millrace/core/kafka/kafka.ts';
import { stringifyJson } from '@millrace/core/record/json.ts';
import { MQTT_TOPIC_HEADER, topicMembersOf } from '@millrace/core/record/mqttTopic.ts';
import { decodeUnreadable, type Oversize, type Unreadable } from '@millrace/core/record/raw.ts';
import { receivedMemberOf } from '@millrace/core/record/receivedAt.ts';
import { REDRIVE_HEADER, redriveOf } from '@millrace/core/record/redrive.ts';
import type { Stage } from '@millrace/core/record/refusal.ts';
import { decodeRow, encodeRow, newRow, type Row, RowError } from '@millrace/core/record/row.ts';
import { maxProcessedBytesOf, maxRecordBytesOf } from '@millrace/core/spec/defaults.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import { type Column, columnsOf, EXTRA_COLUMN, TIME_COLUMN } from '@millrace/core/table/columns.ts';
import type { RegistryView } from '@millrace/registry/registry.ts';
import { type Decoded, DecodeError, type JsonObject } from './decoders/decoder.ts';
import { decoderOf } from './decoders/index.ts';
import { FieldError } from './fields/error.ts';
import { compileField, type FieldReader, pathsOf } from './fields/field.ts';
import { readNanoseconds } from './fields/nanoseconds.ts';
import { unknownFinder } from './fields/unknown.ts';
import { partBytes } from './part.ts';

export interface RowOutcome {
  kind: 'row';
  index: number;
  row: Row;
  /** The processed record's value. */
  value: Buffer;
}

export interface RefusedOutcome {
  kind: 'refused';
  index: number;
  stage: Exclude<Stage, 'store'>;
  reason: string;
  message: string;
  /** Set for a mistake of our own. */
  cause?: unknown;
  /** Of a record with several objects the refused one as JSON; null: the whole record. */
  value: Buffer | null;
  /** Set where the source could not read the record. */
  unreadable?: true;
  /** Set where the raw record is only the beginning of what the source read. */
  oversize?: Oversize;
}

export interface DroppedOutcome {
  kind: 'dropped';
  index: number;
  /** Name of the filter that dropped it. */
  filter: string;
}

export type Outcome = RowOutcome | RefusedOutcome | DroppedOutcome;

export interface Transformed {
  /** One for each object of the record, by index; never empty. */
  outcomes: Outcome[];
  /** Members of the record that no rule reads and that are not kept in `extra`. */
  unknownFields: number;
}

export type Transform = (record: KafkaRecord) => Transformed;

/** Room for key, headers and framing in a processed record. */
const ENVELOPE_BYTES = 2_048;

/** A refusal that knows its stage. */
class Refused extends Error {
  override name = 'Refused';
  readonly stage: RefusedOutcome['stage'];
  readonly reason: string;

  constructor(stage: RefusedOutcome['stage'], reason: string, message: string) {
    super(message);
    this.stage = stage;
    this.reason = reason;
  }
}

/**
 * Compiles the record rules of a Pipeline.
 * @param registry of devices, asked for each record: pure as long as it is the same one
 * @throws Error naming the place in the spec where a rule cannot work (the loader finds most of them before)
 */
export function compileTransform(pipeline: Pipeline, registry: RegistryView | null = null): Transform {
  const decoder = decoderOf(pipeline.spec.record, registry);
  const maxBytes = maxRecordBytesOf(pipeline);
  const toRow = compileRow(pipeline);
  const columns = columnsOf(pipeline);
  return (record) => {
    const state = { unknownFields: 0 };
    try {
      const unreadable = decodeUnreadable(record.headers);
      if (unreadable) return { outcomes: [refusedBySource(unreadable)], unknownFields: 0 };
      if (REDRIVE_HEADER in record.headers && holdsRow(record)) {
        return { outcomes: [rowAgain(record, columns)], unknownFields: 0 };
      }
      const bytes = record.value?.length ?? 0;
      if (bytes > maxBytes) {
        throw new Refused('decode', 'size', `the record has ${bytes} bytes; allowed are ${maxBytes} (spec.record.maxBytes)`);
      }
      const decoded = decoder.decode(record);
      const outcomes = decoded.map((part, index): Outcome => {
        try {
          if ('problem' in part) throw new Refused('decode', part.problem.reason, part.problem.message);
          return toRow(part.object, index, record, state);
        } catch (error) {
          return refusal(error, index, decoded.length > 1 ? part : null);
        }
      });
      return { outcomes, unknownFields: state.unknownFields };
    } catch (error) {
      return { outcomes: [refusal(error, 0, null)], unknownFields: 0 };
    }
  };
}

type ToRow = (
  object: JsonObject,
  index: number,
  record: KafkaRecord,
  state: { unknownFields: number },
) => RowOutcome | DroppedOutcome;

function compileRow(pipeline: Pipeline): ToRow {
  const { record: rules, table } = pipeline.spec;
  const readers = compileReaders(pipeline);
  const { derive, where } = compileRules(pipeline);
  const columns = columnsOf(pipeline);
  const timePaths = [rules.time.field, rules.time.and ?? []].flat();
  const known = [...timePaths, ...Object.entries(rules.fields).flatMap(([name, field]) => pathsOf(name, field))];
  const findUnknown = unknownFinder(known);
  const besideOf = besideReader(known);
  const maxBytes = maxProcessedBytesOf(pipeline) - ENVELOPE_BYTES;
  return (decoded, index, record, state) => {
    const row = newRow();
    const object = besideOf === null ? decoded : { ...decoded, ...besideOf(record) };
    for (const read of readers) read(object, row);
    for (const { rule, expression } of derive) row[rule.name] = evaluated('derive', rule.name, () => expression.evaluate(row));
    for (const { name, condition } of where) {
      if (!evaluated('filter', name, () => condition.holds(row))) return { kind: 'dropped', index, filter: name };
    }
    const { count, extra } = findUnknown(object);
    if (table.extra === true) {
      if (extra !== null) row[EXTRA_COLUMN] = extraText(extra);
    } else state.unknownFields += count;
    const value = encodeRow(row, columns);
    const bytes = value.length + (record.key?.length ?? 0);
    if (bytes > maxBytes) throw new Refused('derive', 'size', `the row has ${bytes} bytes; allowed are ${maxBytes}`);
    return { kind: 'row', index, row, value };
  };
}

/** What paths read beside the value of a record; null: none does. */
function besideReader(paths: readonly string[]): ((record: Pick<KafkaRecord, 'headers'>) => JsonObject) | null {
  const [topicMembers, receivedMember] = [topicMembersOf(paths), receivedMemberOf(paths)];
  if (topicMembers === null && receivedMember === null) return null;
  return ({ headers }) => ({ ...topicMembers?.(headers[MQTT_TOPIC_HEADER]?.toString()), ...receivedMember?.(headers) });
}

/** Half a surrogate pair as JSON.stringify writes it, behind no backslash or an even number of them. */
const HALF_PAIR = /(?<!\\)(?:\\\\)*\\ud[89a-f]/;

/** @throws Refused for what has no text in the database, as fields of type text are */
function extraText(extra: JsonObject): string {
  const text = stringifyJson(extra);
  const half = text.includes('\\ud') ? HALF_PAIR.exec(text) : null;
  if (half !== null) {
    const shown = text.slice(Math.max(0, half.index - 40), half.index + 10);
    throw new Refused('validate', 'type', `the unknown fields hold half a surrogate pair (…${shown}…); allowed is Unicode text`);
  }
  return text;
}

/** The readers of the time column and of every field, in column order. */
function compileReaders(pipeline: Pipeline): FieldReader[] {
  const { time, fields } = pipeline.spec.record;
  const { field: from, nanoseconds, ...rule } = time;
  const timeField = { ...rule, type: 'time' as const, from, required: true };
  const compile = (place: string, name: string, field: Parameters<typeof compileField>[1]): FieldReader => {
    try {
      return compileField(name, field);
    } catch (error) {
      throw new Error(`spec.record.${place}: ${(error as Error).message}`, { cause: error });
    }
  };
  return [
    compile('time', TIME_COLUMN, timeField),
    ...(nanoseconds ? [readNanoseconds] : []),
    ...Object.entries(fields).map(([name, field]) => compile(`fields.${name}`, name, field)),
  ];
}

function evaluated<T>(stage: 'derive' | 'filter', name: string, evaluate: () => T): T {
  try {
    const value = evaluate();
    if (typeof value === 'string' && !value.isWellFormed()) {
      throw new Refused(stage, 'type', `${stage} ${name} gives half a surrogate pair; allowed is Unicode text`);
    }
    return value;
  } catch (error) {
    if (error instanceof CelError) throw new Refused(stage, error.reason, `${stage} ${name}: ${error.message}`);
    throw error;
  }
}

/** Whether a redriven record holds a row that the database refused, whose raw record is gone. */
function holdsRow({ headers }: Pick<KafkaRecord, 'headers'>): boolean {
  const redrive = redriveOf(headers);
  if (redrive === 'unreadable') {
    const text = JSON.stringify(String(headers[REDRIVE_HEADER]).slice(0, 80));
    throw new Refused('decode', 'redrive', `header ${REDRIVE_HEADER} is ${text}, which no redrive of Millrace writes`);
  }
  return redrive?.as === 'row';
}

/** A row that was made before, as it is: only whether the table still has its columns is looked at. */
function rowAgain({ value }: Pick<KafkaRecord, 'value'>, columns: readonly Column[]): RowOutcome {
  if (value === null) throw new Refused('decode', 'empty', 'the record has no value; allowed is a row');
  try {
    return { kind: 'row', index: 0, row: decodeRow(value, columns), value };
  } catch (error) {
    if (error instanceof RowError) throw new Refused('decode', 'columns', error.message);
    throw error;
  }
}

/** Its value is not looked at: it may be the beginning of a record only. */
function refusedBySource({ message, oversize }: Unreadable): RefusedOutcome {
  const outcome = { kind: 'refused', index: 0, stage: 'decode', message, value: null, unreadable: true } as const;
  return oversize ? { ...outcome, reason: 'size', oversize } : { ...outcome, reason: 'parse' };
}

function refusal(error: unknown, index: number, part: Decoded | null): RefusedOutcome {
  const value = part === null ? null : partBytes(part);
  const outcome = { kind: 'refused' as const, index, value };
  if (error instanceof Refused) return { ...outcome, stage: error.stage, reason: error.reason, message: error.message };
  if (error instanceof DecodeError) return { ...outcome, stage: 'decode', reason: error.reason, message: error.message };
  if (error instanceof FieldError) return { ...outcome, stage: 'validate', reason: error.reason, message: error.message };
  const message = `a mistake in Millrace, not in the record: ${error instanceof Error ? error.message : String(error)}`;
  return { ...outcome, stage: 'decode', reason: 'internal', message, cause: error };
}
