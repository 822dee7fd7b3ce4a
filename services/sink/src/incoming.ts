/**
 * What a processed record is to the sink: its origin, and later its row. Pure.
 *
 * Invariant: a record without a readable origin, append time or row never stops the partition and is never stored; it
 * becomes a refusal with the reason `foreign` (only another writer can have put it there).
 */
import type { Batch, KafkaRecord } from '@millrace/core/kafka/kafka.ts';
import { decodeOrigin, ORIGIN_HEADER, type Origin, RAW_TIMESTAMP_HEADER } from '@millrace/core/record/origin.ts';
import { REDRIVE_HEADER, type Redrive, redriveOf } from '@millrace/core/record/redrive.ts';
import { decodeRow, type Row } from '@millrace/core/record/row.ts';
import { type Column, TIME_COLUMN } from '@millrace/core/table/columns.ts';
import { copyLine, isoTimeMs } from './copyText.ts';

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
export interface TableRow {
  incoming: Incoming;
  row: Row;
  /** COPY text with its line end. */
  line: string;
  /** Epoch ms of the time column, fractions cut. */
  timeMs: number;
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

/** Columns of a COPY line: those of the table, and for `unique` what orders rows of one key. */
export type LineOf = (row: Row, incoming: Incoming) => string;

export function lineWriter(columns: readonly Column[]): LineOf {
  return (row) => `${copyLine(row, columns)}\n`;
}

/** The table row of a record, or why it has none. */
export function tableRow(incoming: Incoming, columns: readonly Column[], lineOf: LineOf): TableRow | RefusedRow {
  try {
    if (incoming.foreign !== null) throw new Error(incoming.foreign);
    const { value } = incoming.record;
    if (value === null) throw new Error('the record has no value; allowed is one JSON object per row');
    const row = decodeRow(value, columns);
    return { incoming, row, timeMs: isoTimeMs(TIME_COLUMN, row[TIME_COLUMN] ?? null), line: lineOf(row, incoming) };
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
