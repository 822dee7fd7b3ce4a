/**
 * What a processed record is to the sink: its origin, and later its row. Pure.
 *
 * Invariant: a record without a readable origin, append time or row never stops the partition and is never stored; it
 * becomes a refusal with the reason `foreign` (only another writer can have put it there).
 */
import type { Batch, KafkaRecord } from '@millrace/core/kafka/kafka.ts';
import {
  decodeOrigin,
  decodeRawTimestamp,
  ORIGIN_HEADER,
  type Origin,
  RAW_TIMESTAMP_HEADER,
} from '@millrace/core/record/origin.ts';
import { REDRIVE_HEADER, type Redrive, redriveOf } from '@millrace/core/record/redrive.ts';
import type { CopyLines, Line } from './copyLines.ts';
import type { RowFacts } from './rowLine.ts';

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
export interface TableRow extends RowFacts, Line {
  incoming: Incoming;
}

export interface RefusedRow {
  incoming: Incoming;
  /** `foreign`, or the SQLSTATE. */
  reason: string;
  message: string;
}

export function readIncoming(record: KafkaRecord): Incoming {
  try {
    const { headers } = record;
    const origin = readOrigin(headers);
    return {
      record,
      origin,
      rawTimestampMs: decodeRawTimestamp(headers[RAW_TIMESTAMP_HEADER]),
      redrive: readRedrive(headers),
      foreign: null,
    };
  } catch (error) {
    return { record, origin: null, rawTimestampMs: record.timestampMs, redrive: null, foreign: (error as Error).message };
  }
}

/** Writes the line of COPY text: columns of the table, and for `unique` what orders rows of one key. */
export type WriteLine = (value: Buffer, lines: CopyLines, incoming: Incoming) => RowFacts;

/** The table row of a record, its line added to `lines`, or why it has none. */
export function tableRow(incoming: Incoming, writeLine: WriteLine, lines: CopyLines): TableRow | RefusedRow {
  const start = lines.length;
  try {
    if (incoming.foreign !== null) throw new Error(incoming.foreign);
    const { value } = incoming.record;
    if (value === null) throw new Error('the record has no value; allowed is one JSON object per row');
    const { key, timeMs, finer } = writeLine(value, lines, incoming);
    lines.endLine();
    return { incoming, lines, start, end: lines.length, key, timeMs, finer };
  } catch (error) {
    lines.cutTo(start);
    return { incoming, reason: 'foreign', message: (error as Error).message };
  }
}

/** (topic id, offset, index) that identify a refusal: of the raw record, or of the processed one where that is unknown. */
export function refusalOrigin({ origin, record }: Incoming, batch: Pick<Batch, 'topicId'>): Omit<Origin, 'count'> {
  return origin ?? { topicId: batch.topicId, offset: record.offset, index: 0 };
}

function readOrigin(headers: KafkaRecord['headers']): Origin {
  const header = headers[ORIGIN_HEADER];
  if (header === undefined) throw new Error(`header ${ORIGIN_HEADER} is missing; allowed is <topic id>:<offset>:<index>:<count>`);
  return decodeOrigin(header);
}

function readRedrive(headers: KafkaRecord['headers']): Redrive | null {
  const redrive = redriveOf(headers);
  if (redrive !== 'unreadable') return redrive;
  throw new Error(`header ${REDRIVE_HEADER} is ${JSON.stringify(String(headers[REDRIVE_HEADER]).slice(0, 80))}`);
}
