/** What one look at a Pipeline found, before it is judged. */
import type { Bounds } from '@millrace/core/kafka/kafka.ts';
import type { Origin } from '@millrace/core/record/origin.ts';
import type { Progress } from '@millrace/core/record/progress.ts';

/** A row of `millrace.ledger`. */
export interface LedgerRow {
  partition: number;
  topicId: string;
  /** Hours since 1970; null: what the processor counted in hours that nobody copied. */
  hour: number | null;
  stored: number;
  refused: number;
  repeats: number;
  merged: number;
  lost: number;
  /** Rows that a reprocessing stored, refused or merged beyond (below) those that the processor counted. */
  reset: number;
  records: number;
  raw: number;
  rows: number;
  processorRefused: number;
  dropped: number;
  processorRepeats: number;
}

/** Numbers by topic id (as in origins) and hour. */
export type Tally = Map<string, Map<number, number>>;

export function tallyUp(tally: Tally, topicId: string, hour: number, by = 1): void {
  const hours = tally.get(topicId) ?? new Map<number, number>();
  hours.set(hour, (hours.get(hour) ?? 0) + by);
  tally.set(topicId, hours);
}

export interface Refusals {
  /** Refused by the processor, and by the database: each identity once. */
  processor: Tally;
  store: Tally;
  /** The first hour of which retention has taken nothing; null: none was taken. */
  wholeFrom: number | null;
  /** Records that are no refusals of Millrace. */
  foreign: number;
}

export interface RawHours {
  /** Records by hour of append. */
  hours: ReadonlyMap<number, number>;
  /** Hours before this one are not whole; null: all are. */
  from: number | null;
}

export interface PartitionEvidence {
  partition: number;
  ledger: LedgerRow[];
  /** The last origin that the sink stored or refused, by topic id; of the same snapshot as the ledger. */
  stored: ReadonlyMap<string, Pick<Origin, 'offset' | 'index'>>;
  /** What the processor had committed after that snapshot under the raw topic's id; null: nothing. */
  progress: Progress | null;
  /** The raw offset it had committed; null: none. */
  committed: number | null;
  /** Bounds of the logs after that; null: there is no such partition. */
  raw: Bounds | null;
  processed: Bounds | null;
  /** Processed records that the sink had not stored. */
  unread: number;
  /** Those among them that are no repeats, and that the processor had committed; null: too many to look at. */
  inFlight: Tally | null;
  refusals: Refusals;
  /** Raw records before the committed offset; null: they cannot be counted by hour. */
  rawHours: RawHours | null;
}

export interface TableEvidence {
  rows: number;
  /** Rows that retention deleted, where Millrace does it. */
  expired: number;
  /** TimescaleDB drops chunks of this table without counting them. */
  dropsChunks: boolean;
}

export interface Evidence {
  pipeline: string;
  /** `schema.table` */
  name: string;
  /** null: there is no raw topic. */
  rawId: string | null;
  /** The raw topic is one of the user's own. */
  foreignRaw: boolean;
  table: TableEvidence;
  partitions: PartitionEvidence[];
}
