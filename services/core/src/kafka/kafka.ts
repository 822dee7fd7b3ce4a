/**
 * Kafka as Millrace uses it. Everything that is known of the client library's ways is behind this interface
 * (`connect.ts` makes it), so that the rest of the code sees plain records, offsets as numbers and clear promises.
 */
import type { Logger } from '../log.ts';

export interface KafkaRecord {
  offset: number;
  /** Append time or create time, as the topic is configured; epoch ms. */
  timestampMs: number;
  key: Buffer | null;
  value: Buffer | null;
  headers: Readonly<Record<string, Buffer>>;
}

export interface OutRecord {
  key: Buffer | null;
  value: Buffer | null;
  headers: Record<string, string>;
}

export interface TopicState {
  /** Kafka's topic id (KIP-516): changes when a topic is deleted and created again. */
  id: string;
  partitions: number;
}

/** Offsets of one partition's log: the first that is there, and the next one to be written. */
export interface Bounds {
  start: number;
  end: number;
}

export interface Committed {
  offset: number;
  metadata: string;
}

export interface NewTopic {
  name: string;
  partitions: number;
  /** Default: the number of brokers, at most 3. */
  replicas?: number;
  config: Record<string, string>;
}

export interface Kafka {
  /** Asks the broker, never a cache. null: there is no such topic. */
  topic(name: string): Promise<TopicState | null>;
  /** Bounds of every partition, by partition number. */
  bounds(topic: string): Promise<Bounds[]>;
  /** By partition the offset of the first record with this time (epoch ms) or a later one; null where there is none. */
  offsetsAt(topic: string, timestampMs: number): Promise<(number | null)[]>;
  createTopic(topic: NewTopic): Promise<'created' | 'exists'>;
  addPartitions(topic: string, count: number): Promise<void>;
  topicConfig(topic: string): Promise<Record<string, string>>;
  setTopicConfig(topic: string, config: Record<string, string>): Promise<void>;
  deleteTopic(topic: string): Promise<void>;
  /** Committed offsets of a group by partition; a partition without one (also a negative one) is absent. */
  committed(group: string, topic: string): Promise<Map<number, Committed>>;
  /** Commits for a group without members (checkpoints). */
  commit(group: string, topic: string, partition: number, committed: Committed): Promise<void>;
  /** Members of a group now; 0 where there is none. */
  groupMembers(group: string): Promise<number>;
  /** Deletes a group with its offsets; false where there was none. Rejects while it has members. */
  deleteGroup(group: string): Promise<boolean>;
  sender(): Sender;
  /** Becomes the one writer under a transactional id. Rejects within 15 s where the coordinator does not answer, or with the signal's reason. */
  claim(transactionalId: string, signal?: AbortSignal): Promise<Claim>;
  /** Joins a consumer group and hands over batches until closed. */
  read(options: ReadOptions): Promise<Reader>;
  /** Records with offset in [from, to) of one partition, without a group membership of its own to be seen. */
  range(topic: string, partition: number, from: number, to: number, signal?: AbortSignal): AsyncIterable<KafkaRecord>;
  close(): Promise<void>;
}

/**
 * An idempotent producer with acks=all. Invariants: one send in flight per partition (the caller waits); a send holds
 * records of exactly one partition and counts only when the answer names that partition with a base offset; after a
 * rejected send the producer under it is thrown away and the next send uses a new one (DESIGN 1.2 rule 1). What was
 * rejected may be in the log all the same: the caller goes back to what it committed.
 */
export interface Sender {
  /**
   * Appends in order; cut by bytes into several requests where needed.
   * @param topicId tries go on only while the topic has this id, so that what was meant for a topic that is deleted meanwhile
   * does not get into its successor. The id is looked at again after a failed try, not before the first one.
   */
  send(topic: string, partition: number, records: readonly OutRecord[], topicId?: string): Promise<{ baseOffset: number }>;
  close(): Promise<void>;
}

/**
 * The right to write under a transactional id (KIP-98), of which there is one at a time: whoever claims it takes it from all before.
 *
 * Invariant: once a claim is made, nothing that an earlier one sends is appended any more, however long its sender was frozen. What is
 * read after the claim and appended under it therefore never stands in front of what others read earlier.
 */
export interface Claim {
  /**
   * Appends all in one transaction, within a partition in order; resolves once it is committed. It counts only for readers of what is
   * committed; others may see records of one that was not.
   * @throws KafkaError within a minute, and the claim is over then: whether anything was appended is unknown. RangeError for a record that is
   * too large, before anything was sent.
   */
  append(topic: string, parts: ReadonlyMap<number, readonly OutRecord[]>): Promise<void>;
  /** Whether `append` may still be called: false after one that was rejected. */
  readonly holds: boolean;
  close(): Promise<void>;
}

/** Where a reader of one partition stands, from wherever it is stored. */
export interface Position {
  /** The next offset to read; null: nothing stored yet, start at the log's beginning. */
  next: number | null;
  /** What the record at `next - 1` was; null where next is null or 0. */
  bookmark: Bookmark | null;
  /** Topic id under which the position was stored. */
  topicId: string | null;
}

export interface Bookmark {
  timestampMs: number;
  /** Whether this is the record that the position was stored after, beyond topic id and time (the sink compares origins). */
  matches(record: KafkaRecord): boolean;
}

export interface Batch {
  topic: string;
  partition: number;
  /** Read from the broker after the fetch. */
  topicId: string;
  /** In offset order, never empty. */
  records: readonly KafkaRecord[];
  /** Offset after the last record of the batch. */
  next: number;
  /** End of the log when the batch was fetched. */
  end: number;
  /** Aborted when the partition is taken away, the reader closes, or a heartbeat failed. */
  signal: AbortSignal;
  /** Commits an offset to the group; rejects when this member lost the partition. */
  commit(next: number, metadata: string): Promise<void>;
}

/**
 * `again`: this reader told it before, and no batch was handled since; what it means for the coming batches holds, but
 * count it once.
 */
export type Notice =
  | { kind: 'recreated'; topic: string; partition: number; expected: string; found: string; restartAt: number; again?: true }
  | {
      kind: 'truncated';
      topic: string;
      partition: number;
      next: number;
      end: number;
      restartAt: number;
      bookmark: { timestampMs: number };
      again?: true;
    }
  | { kind: 'lost'; topic: string; partition: number; next: number; start: number; records: number; again?: true };

export interface ReadOptions {
  group: string;
  topic: string;
  /** Loads the position of a partition that was just assigned (it is paused meanwhile) or that must be re-read. */
  load(partition: number, topic: TopicState, signal: AbortSignal): Promise<Position>;
  /**
   * Takes a whole batch: resolves when it is done with, or throws. After a throw the partition is paused, loaded again
   * (at once for a `Reload`, else after a back-off of 0.2 s to 5 s) and goes on at its position. May take long: after 3 s the
   * partition is paused and the group goes on without waiting. Never called twice at a time for one partition.
   */
  handle(batch: Batch): Promise<void>;
  /**
   * Something happened to the log that users must know: a Warning event, a metric and a log line. Called after each load
   * whose position leads to it, before any batch that follows from it.
   */
  notice(notice: Notice): void;
  /** For the lines of this reader. Default: that of the connection. */
  log?: Logger;
  /** Batches of how many partitions may be handled at a time. Default: 4. */
  concurrency?: number;
  /** How long the group waits for members to join again. Default: 30 s; for tests to shorten. */
  rebalanceMs?: number;
}

/** Thrown by a handler that wants its partition loaded again at once: the position was moved by another, a topic id changed. */
export class Reload extends Error {
  override name = 'Reload';
}

export interface PartitionState {
  partition: number;
  state: 'loading' | 'reading' | 'paused';
  /** Why it is paused or loading again. */
  reason: string | null;
  /** Next offset and end of log as last seen; null before the first load. */
  next: number | null;
  end: number | null;
}

export interface Reader {
  /** Of the partitions that this member has. */
  partitions(): PartitionState[];
  /** Set when the reader can do no more by itself; resolves never otherwise. */
  readonly failed: Promise<Error>;
  /** Lets running handlers finish (at most `graceMs`, then aborts them), leaves the group. */
  close(graceMs?: number): Promise<void>;
}
