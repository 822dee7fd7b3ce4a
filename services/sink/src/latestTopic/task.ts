/**
 * Keeps the topic of newest rows equal to their table (docs/decisions/0040-latest-topic.md).
 *
 * Invariants:
 * - Only the sink that has partition 0 of the processed topic sends. There may be two that believe it, one of them frozen: which of
 *   them may append, the broker decides.
 * - Rows are read after the claim that they are sent under was made. Whatever another read before, it appended before the claim, or not at all.
 * - A mark is taken away, and the filling moves on, after the transaction was committed.
 * - Another topic id than the one that was filled, or a log that was cut: the topic is filled from the whole table.
 */
import { guarded } from '@millrace/core/guards.ts';
import type { Claim, Kafka, OutRecord } from '@millrace/core/kafka/kafka.ts';
import { partitionOf } from '@millrace/core/kafka/partition.ts';
import type { Logger } from '@millrace/core/log.ts';
import { maxProcessedBytesOf } from '@millrace/core/spec/defaults.ts';
import { namesOf } from '@millrace/core/spec/names.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import { columnsOf } from '@millrace/core/table/columns.ts';
import { latestOf } from '@millrace/core/table/latest.ts';
import type { ClientBase, Pool } from 'pg';
import type { Task } from '../maintenance.ts';
import type { SinkMetrics } from '../metrics.ts';
import { mustOwn } from '../owner.ts';
import { withClient } from '../session.ts';
import { latestRecord } from './record.ts';
import {
  advanceFilling,
  beginFilling,
  type Current,
  isCut,
  type Kept,
  noteBounds,
  readNext,
  readStanding,
  readUnsent,
  readWaiting,
  type Standing,
  settle,
} from './store.ts';

/** How soon a change is looked for when there was none. */
const EVERY_MS = 1_000;
/** How often the topic is looked at, whether it is still the one that was filled, and how much waits. */
const LOOK_EVERY_MS = 10_000;

export interface LatestTopicOptions {
  kafka: Kafka;
  database: Pool;
  metrics: SinkMetrics;
  log: Logger;
  /** Whether this sink has partition 0 of the processed topic now. */
  isSender(): boolean;
  /** Default: `LOOK_EVERY_MS`; for tests to shorten. */
  lookEveryMs?: number;
}

export interface LatestTopic {
  task: Task;
  close(): Promise<void>;
}

/** null where the spec does not ask for the topic. */
export function latestTopic(pipeline: Pipeline, options: LatestTopicOptions): LatestTopic | null {
  const latest = latestOf(pipeline);
  if (!latest.topic) return null;
  const { kafka, database, metrics, log, isSender, lookEveryMs = LOOK_EVERY_MS } = options;
  const names = namesOf(pipeline);
  const columns = columnsOf(pipeline);
  const maxBytes = maxProcessedBytesOf(pipeline);
  const kept: Kept = { pipeline: names.pipeline, schema: names.schema, name: names.latestTable, columns, by: latest.by };
  let claim: Claim | null = null;
  let standing: Standing | null = null;
  let lookedMs = Number.NEGATIVE_INFINITY;
  let measuredMs = Number.NEGATIVE_INFINITY;

  async function letGo(): Promise<void> {
    const former = claim;
    claim = null;
    standing = null;
    lookedMs = Number.NEGATIVE_INFINITY;
    await former?.close();
  }

  /** Before anything of Kafka is asked for: what waits is to be seen while Kafka is away. */
  async function measure(query: Query): Promise<void> {
    if (performance.now() - measuredMs < lookEveryMs) return;
    const waiting = await query((client) => readWaiting(client, names.pipeline));
    measuredMs = performance.now();
    metrics.latestWaiting.set(names.pipeline, { ...waiting, atMs: measuredMs });
  }

  /** Which topic is there, and how far it is filled. @throws Error where there is none */
  async function look(query: Query): Promise<Standing> {
    if (standing !== null && performance.now() - lookedMs < lookEveryMs) return standing;
    const topic = await kafka.topic(names.latest);
    if (topic === null) throw new Error(`there is no topic ${names.latest}; setup makes it`);
    const known = await query(async (client) => {
      await mustOwn(client, names.pipeline, `${names.schema}.${names.table}`);
      return readStanding(client, names.pipeline);
    });
    lookedMs = performance.now();
    if (known !== null && !guarded('filled-topic-id')) return known;
    if (known?.topicId === topic.id && known.tableName === `${kept.schema}.${kept.name}`) {
      const bounds = await kafka.bounds(names.latest);
      if (!isCut(known.bounds ?? [], bounds)) {
        await query((client) => noteBounds(client, names.pipeline, known, bounds));
        return known;
      }
    }
    log.info({ topic: names.latest, topicId: topic.id }, 'the topic of newest rows is filled from the whole table');
    return query((client) => beginFilling(client, kept, topic));
  }

  async function send(current: Claim, { partitions }: Standing, rows: readonly Current[]): Promise<void> {
    const parts = new Map<number, OutRecord[]>();
    for (const { key, texts } of rows) {
      const record = latestRecord(key, texts, columns, maxBytes);
      const partition = partitionOf(record.key as Buffer, partitions);
      const part = parts.get(partition) ?? [];
      if (part.push(record) === 1) parts.set(partition, part);
    }
    const appended = current.append(names.latest, parts);
    await (guarded('sent-before-unmarked') ? appended : appended.catch(() => {}));
    for (const { texts } of rows)
      metrics.latestSent.inc({ pipeline: names.pipeline, result: texts === null ? 'deletion' : 'row' });
  }

  /** Sends what is marked, and goes on with the filling. @returns whether there is more */
  async function step(current: Claim, query: Query): Promise<boolean> {
    const at = await look(query);
    standing = at;
    const unsent = await query((client) => readUnsent(client, kept));
    if (unsent.length > 0) {
      await send(current, at, unsent);
      await query((client) => settle(client, names.pipeline, unsent));
    }
    if (at.isFilled) return unsent.length > 0;
    const next = await query((client) => readNext(client, kept, at.filledTo));
    if (next.length > 0) await send(current, at, next);
    standing = await query((client) =>
      advanceFilling(client, names.pipeline, at, next.at(-1)?.key ?? at.filledTo, next.length === 0),
    );
    return true;
  }

  async function run(signal: AbortSignal): Promise<boolean> {
    if (!isSender()) {
      metrics.latestWaiting.delete(names.pipeline);
      measuredMs = Number.NEGATIVE_INFINITY;
      await letGo();
      return false;
    }
    const query: Query = (work) => withClient(database, signal, work);
    const cut = (): void => void claim?.close();
    signal.addEventListener('abort', cut, { once: true });
    try {
      await measure(query);
      claim ??= await kafka.claim(names.latest, signal);
      signal.throwIfAborted();
      return await step(claim, query);
    } catch (error) {
      await letGo(); // what another does meanwhile is read after the next claim
      throw error;
    } finally {
      signal.removeEventListener('abort', cut);
    }
  }

  return {
    task: { name: 'latest', everyMs: EVERY_MS, run },
    async close() {
      metrics.latestWaiting.delete(names.pipeline);
      await letGo();
    },
  };
}

type Query = <T>(work: (client: ClientBase) => Promise<T>) => Promise<T>;
