/** What one look at a Pipeline found, in Kafka and in the database. */
import type { Bounds } from '@millrace/core/kafka/kafka.ts';
import type { Checkpoint } from '@millrace/core/record/checkpoint.ts';
import type { Progress } from '@millrace/core/record/progress.ts';

export interface TopicSample {
  name: string;
  /** null: there is no such topic. */
  id: string | null;
  /** By partition; empty where there is no topic. */
  bounds: Bounds[];
}

export interface ProcessorSample {
  next: number;
  progress: Progress;
}

/** What the sink stored in one transaction with the rows, all of one snapshot. */
export interface SinkSample {
  /** Next offset by processed partition; absent where nothing was stored, or only of a topic that was since recreated. */
  next: Map<number, number>;
  stored: number;
  refused: number;
  /** Processed records that came again; their raw records are counted already. */
  repeats: number;
  /** Rows that `table.unique` merged into others. */
  merged: number;
  /** Records that the processed topic's retention removed before they were stored. */
  lost: number;
  /** Buckets that a roll-up still has to be refreshed for. */
  touched: number;
}

export interface Sample {
  /** `<namespace>/<name>` */
  pipeline: string;
  /** `<schema>.<table>` */
  table: string;
  /** Where a replay or simulator stands; null: none committed. */
  checkpoint: Checkpoint | null;
  raw: TopicSample;
  processed: TopicSample;
  dlq: TopicSample;
  /** Of the newest rows, and how many of them it does not have yet; absent where the spec asks for none. */
  latest?: TopicSample & { unsent: number };
  /** By raw partition; absent where nothing was committed, or only under another topic id or by another tool. */
  processor: Map<number, ProcessorSample>;
  /** null: the Pipeline was never set up in this database. */
  sink: SinkSample | null;
}
