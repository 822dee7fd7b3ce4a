/**
 * What a processed record is to the sink: its origin, and later its row. Pure.
 *
 * Invariant: a record without a readable origin, append time or row never stops the partition and is never stored; it
 * becomes a refusal with the reason `foreign` (only another writer can have put it there).
 */
import type { Batch, KafkaRecord } from '@millrace/core/kafka/kafka.ts';
import { decodeOrigin, ORIGIN_HEADER, type Origin, RAW_TIMESTAMP_HEADER } from '@millrace/core/record/origin.ts';
import { REDRIVE_HEADER, type Redrive, redriveOf } from '@millrace/core/record/redrive.ts';
import type { RowLine } from './rowLine.ts';

export interface Incoming {
  record: KafkaRecord;
  /** null: none that can be read. */
  origin: Origin | null;
  /** Append time of the raw record, epoch ms; of the processed record where that cannot be read. */
  rawTimestampMs: number;
  /** Of a redriven record: which refusal it came from. */
  redrive: Redrive | null;
  /** Why the headers cannot be this pipeline's; null when they can. */
  foreign: string | null;
}

/** A row that can be sent to the database. */
export interface TableRow extends RowLine {
  incoming: Incoming;
  /** COPY text with its line end. */
  line: string;
}

export interface RefusedRow {
  incoming: Incoming;
  /** `foreign`, or the SQLSTATE. */
  reason: string;
  message: string;
}

export function readIncoming(record: KafkaRecord): Incoming {
  try {
    const origin = readOrigin(record);
    return { record, origin, rawTimestampMs: readRawTimestamp(record), redrive: readRedrive(record), foreign: null };
  } catch (error) {
    return { record, origin: null, rawTimestampMs: record.timestampMs, redrive: null, foreign: (error as Error).message };
  }
}

/** Line of COPY text (columns of the table, and for `unique` what orders rows of one key) and what is known of the row beside it. */
export type LineOf = (value: Buffer, incoming: Incoming) => RowLine;

/** The table row of a record, or why it has none. */
export function tableRow(incoming: Incoming, lineOf: LineOf): TableRow | RefusedRow {
  try {
    if (incoming.foreign !== null) throw new Error(incoming.foreign);
    const { value } = incoming.record;
    if (value === null) throw new Error('the record has no value; allowed is one JSON object per row');
    const { line, key, time, timeMs } = lineOf(value, incoming);
    return { incoming, line: `${line}\n`, key, time, timeMs };
  } catch (error) {
    return { incoming, reason: 'foreign', message: (error as Error).message };
  }
}

/** (topic id, offset, index) that identify a refusal: of the raw record, or of the processed one where that is unknown. */
export function refusalOrigin({ origin, record }: Incoming, batch: Pick<Batch, 'topicId'>): Omit<Origin, 'count'> {
  return origin ?? { topicId: batch.topicId, offset: record.offset, index: 0 };
}

function readOrigin(record: KafkaRecord): Origin {
  const header = record.headers[ORIGIN_HEADER];
  if (header === undefined) throw new Error(`header ${ORIGIN_HEADER} is missing; allowed is <topic id>:<offset>:<index>:<count>`);
  return decodeOrigin(header.toString('latin1'));
}

function readRedrive({ headers }: KafkaRecord): Redrive | null {
  const redrive = redriveOf(headers);
  if (redrive !== 'unreadable') return redrive;
  throw new Error(`header ${REDRIVE_HEADER} is ${JSON.stringify(String(headers[REDRIVE_HEADER]).slice(0, 80))}`);
}

function readRawTimestamp(record: KafkaRecord): number {
  const text = record.headers[RAW_TIMESTAMP_HEADER]?.toString('latin1');
  if (text === undefined || !/^-?\d{1,19}$/.test(text)) {
    throw new Error(`header ${RAW_TIMESTAMP_HEADER} is ${JSON.stringify(text ?? null)}; allowed is a whole number of epoch ms`);
  }
  return Number(text);
}
