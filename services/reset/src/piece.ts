/**
 * Raw records as rows of the new table: the processor's own transform and the sink's own reading of what it gives, without the
 * topic between them.
 */
import type { Batch, KafkaRecord, OutRecord } from '@millrace/core/kafka/kafka.ts';
import { isAfter } from '@millrace/core/record/origin.ts';
import type { Progress } from '@millrace/core/record/progress.ts';
import type { ObjectPlace } from '@millrace/core/record/redrive.ts';
import { transformBatch } from '@millrace/processor/batch.ts';
import type { Transform } from '@millrace/processor/transform.ts';
import { CopyLines } from '@millrace/sink/copyLines.ts';
import { type RefusedRow, readIncoming, type TableRow, tableRow, type WriteLine } from '@millrace/sink/incoming.ts';
import { dropRepeats, type Origins } from '@millrace/sink/position.ts';

export interface Rules {
  topic: string;
  /** Topic that refusals of the database name. */
  processed: string;
  transform: Transform;
  writeLine: WriteLine;
  /** Bytes of a refused record beyond which only its beginning is kept. */
  maxBytes: number;
  /** null: every row counts. */
  fromMs: number | null;
}

export interface Piece {
  rows: TableRow[];
  /** Redriven rows whose first raw record is in the log, too: that one makes the row. */
  twice: TableRow[];
  /** Rows that COPY has no text for. */
  foreign: RefusedRow[];
  /** What the rules refused, as dead-letter records. */
  dlq: OutRecord[];
  progress: Progress;
  origins: Origins;
  /** Raw records, for the position after them. */
  batch: Pick<Batch, 'records' | 'next' | 'topicId' | 'topic' | 'partition'>;
}

export interface Before {
  partition: number;
  topicId: string;
  progress: Progress;
  origins: Origins;
  version: number;
  /** Rows up to these origins that lie before `fromMs` were taken over from the old table. */
  takenOver: Origins;
  /** Whether a raw record is in the log that is reprocessed. */
  holds(place: Pick<ObjectPlace, 'topicId' | 'partition' | 'offset'>): boolean;
}

/** @param records raw, in order, never empty */
export async function pieceOf(
  rules: Rules,
  before: Before,
  records: readonly KafkaRecord[],
  signal: AbortSignal,
): Promise<Piece> {
  const { partition, topicId, progress } = before;
  const { topic, transform, maxBytes, fromMs } = rules;
  const result = await transformBatch({ topic, partition, records, progress, transform, maxBytes, signal });
  const incoming = result.processed.map((out) => readIncoming(asRead(out)));
  const { fresh, origins } = dropRepeats(before.origins, incoming, before.version + 1);
  const rows: TableRow[] = [];
  const twice: TableRow[] = [];
  const foreign: RefusedRow[] = [];
  const lines = new CopyLines();
  for (const one of fresh) {
    const read = tableRow(one, rules.writeLine, lines);
    if (!('lines' in read)) {
      foreign.push(read);
      continue;
    }
    const isNew = fromMs === null || read.timeMs >= fromMs;
    const isKept = isNew || (one.origin !== null && isAfter(one.origin, before.takenOver.get(one.origin.topicId)));
    if (isNew && one.redrive !== null && before.holds(one.redrive)) twice.push(read);
    else if (isKept) rows.push(read);
  }
  const next = (records.at(-1)?.offset ?? -1) + 1;
  return {
    rows,
    twice,
    foreign,
    dlq: result.dlq,
    progress: result.progress,
    origins,
    batch: { records, next, topicId, topic, partition },
  };
}

/** Places of rows among all that this process makes: what orders rows of one key and one append time. */
let made = 0;

/** A record to send as it would be read back. */
function asRead({ key, value, headers }: OutRecord): KafkaRecord {
  made += 1;
  const buffers = Object.fromEntries(Object.entries(headers).map(([name, text]) => [name, Buffer.from(text)]));
  return { offset: made, timestampMs: 0, key, value, headers: buffers };
}
