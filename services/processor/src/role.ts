/**
 * The processor: raw records in; processed rows, DLQ records and counted drops out (DESIGN 1.2 rules 1, 2 and 5).
 *
 * Invariants:
 * - A raw record of partition p yields records in partition p only, in raw order, by one send at a time.
 * - An offset is committed only after every row and every refusal before it was acknowledged, in one request with the
 *   progress that counts them. After a rejected send the partition goes back to what is committed.
 * - Rows are sent only while the raw topic still is the one they were read from. Commits made under another topic id, or
 *   by another tool, do not count: the log is then read from its beginning, and the sink drops what it has.
 * - What is committed holds for the processed topic that the rows went to: when it was created again, rows that no sink had
 *   stored are gone with it, so that the raw log is read from its beginning.
 * - Where records mean nothing without the device registry, no partition is read before that was.
 * - A row in the processed topic says that every record before it has ended. So the refusals of a batch go before its rows:
 *   under rules that were changed in between, a refusal could become a row that the sink takes for a repeat.
 */
import { guarded } from '@millrace/core/guards.ts';
import type { Batch, Notice, Position, Reader, Sender, TopicState } from '@millrace/core/kafka/kafka.ts';
import { Reload } from '@millrace/core/kafka/kafka.ts';
import { decodeProgress, encodeProgress, freshProgress, type Progress } from '@millrace/core/record/progress.ts';
import { watchLag } from '@millrace/core/role/lag.ts';
import type { Role, RoleContext, Worker } from '@millrace/core/role/role.ts';
import { maxRecordBytesOf } from '@millrace/core/spec/defaults.ts';
import { namesOf, type PipelineNames } from '@millrace/core/spec/names.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import { needsRegistry } from '@millrace/registry/registry.ts';
import { shareRegistry } from '@millrace/registry/shared.ts';
import type { WatchedRegistry } from '@millrace/registry/watch.ts';
import type { Pool } from 'pg';
import { type BatchResult, transformBatch } from './batch.ts';
import { afterNotice } from './fold.ts';
import { healthOf, pausedOf } from './health.ts';
import { type Metrics, metricsOf } from './metrics.ts';
import { compileTransform, type Transform } from './transform.ts';

export const processor: Extract<Role, { name: 'processor' }> = { name: 'processor', needsDatabase: needsRegistry, start };

type Context = Pick<RoleContext, 'kafka' | 'log' | 'metrics'>;

interface Parts extends Context {
  names: PipelineNames;
  /** Whether all that the raw topic ever held is this Pipeline's. */
  ownsRaw: boolean;
  transform: Transform;
  /** Why nothing can be decoded yet; null: it can. */
  waitsFor(): string | null;
  maxBytes: number;
  sender: Sender;
  counters: Metrics;
  /** Progress of each partition that was loaded, as of its next batch. */
  progress: Map<number, Progress>;
}

async function start(pipeline: Pipeline, context: Context & { database?: Pool }): Promise<Worker> {
  if (!needsRegistry(pipeline)) return startWith(pipeline, context, null);
  if (!context.database) throw new Error('the processor needs a database, for the device registry');
  const registry = shareRegistry(context.database, context.log);
  try {
    return await startWith(pipeline, context, registry);
  } catch (error) {
    await registry.stop();
    throw error;
  }
}

async function startWith(
  pipeline: Pipeline,
  { kafka, log, metrics }: Context,
  registry: WatchedRegistry | null,
): Promise<Worker> {
  const names = namesOf(pipeline);
  const transform = compileTransform(pipeline, registry?.view ?? null);
  const waitsFor = (): string | null => registry?.waitsFor() ?? null;
  const maxBytes = maxRecordBytesOf(pipeline);
  const counters = metricsOf(metrics);
  const sender = kafka.sender();
  const ownsRaw = pipeline.spec.source.topic === undefined;
  const progress: Parts['progress'] = new Map();
  const parts: Parts = { kafka, log, metrics, names, ownsRaw, transform, waitsFor, maxBytes, sender, counters, progress };
  const lag = watchLag();
  let reader: Reader;
  try {
    reader = await kafka.read({
      group: names.processorGroup,
      topic: names.raw,
      log,
      load: (partition, topic) => load(parts, partition, topic),
      handle: (batch) => lag.handle(batch, () => handle(parts, batch)),
      notice: (notice) => notify(parts, notice),
    });
  } catch (error) {
    await sender.close();
    throw error;
  }
  counters.paused.set(names.pipeline, () => pausedOf(reader.partitions()).length);
  counters.lags.set(names.pipeline, () => lag.seconds(reader.partitions(), Date.now()));
  return {
    health: () => healthOf(reader.partitions()),
    failed: reader.failed,
    stop: async () => {
      try {
        await reader.close();
      } finally {
        await sender.close();
        await registry?.stop();
        counters.paused.delete(names.pipeline);
        counters.lags.delete(names.pipeline);
      }
    },
  };
}

async function load(parts: Parts, partition: number, topic: TopicState): Promise<Position> {
  const { kafka, names, log, progress, counters } = parts;
  const waiting = parts.waitsFor();
  if (waiting !== null) throw new Error(waiting); // the partition waits, and says why
  const processed = await processedTopic(parts);
  const committed = (await kafka.committed(names.processorGroup, names.raw)).get(partition);
  const stored = committed === undefined ? null : decodeProgress(committed.metadata);
  const known = progress.get(partition);
  const fresh = freshProgress(topic.id, processed.id);
  progress.set(partition, fresh);
  const beginning: Position = { next: null, bookmark: null, topicId: null };
  if (committed === undefined) {
    // A topic takes the offsets committed for it along when it is deleted; that it was another one is known here only.
    const wasRecreated = known !== undefined && known.topicId !== topic.id;
    if (wasRecreated) return { next: 0, bookmark: null, topicId: known.topicId };
    const start = (await kafka.bounds(names.raw))[partition]?.start ?? 0;
    if (parts.ownsRaw && start > 0 && known === undefined)
      log.warn(
        { topic: names.raw, partition, start, group: names.processorGroup },
        `nothing is committed for this partition, and retention has removed its first ${start} records: those that were not processed before are lost`,
      );
    return beginning;
  }
  if (stored === null) {
    const { offset, metadata } = committed;
    log.warn(
      { topic: names.raw, partition, offset, metadata: metadata.slice(0, 200), group: names.processorGroup },
      'the committed offset is not of Millrace and does not count: reading the partition from its beginning; the sink drops what it has',
    );
    return beginning;
  }
  const { timestampMs, topicId } = stored;
  const processedId = guarded('processed-id-in-progress') ? stored.processedId : processed.id;
  if (topicId === topic.id && processedId !== processed.id) {
    progress.set(partition, { ...fresh, cuts: stored.cuts });
    if (known?.processedId === processed.id) return beginning; // told and counted before
    counters.restarts.inc({ pipeline: names.pipeline, kind: 'processed_recreated' });
    log.warn(
      { topic: names.processed, partition, expected: processedId, found: processed.id },
      'the processed topic was recreated: reading the raw partition from its beginning, for rows that went with it; the sink drops what it has',
    );
    return beginning;
  }
  if (topicId === topic.id) progress.set(partition, { ...stored, processedId });
  // Nothing but topic id and append time is known of the record before the offset.
  const bookmark = timestampMs === null ? null : { timestampMs, matches: () => true };
  return { next: committed.offset, bookmark, topicId };
}

async function processedTopic({ kafka, names }: Pick<Parts, 'kafka' | 'names'>): Promise<TopicState> {
  const topic = await kafka.topic(names.processed);
  if (topic === null) throw new Error(`there is no topic ${names.processed}; setup makes it`);
  return topic;
}

async function handle(parts: Parts, batch: Batch): Promise<void> {
  const { kafka, names, progress, sender, maxBytes, transform } = parts;
  const { partition, records, signal, topicId } = batch;
  const before = progress.get(partition);
  if (before === undefined || (guarded('fetched-topic-id') && before.topicId !== topicId))
    throw new Reload(`topic ${names.raw} has the id ${topicId}, not ${before?.topicId}`);
  const startedAt = performance.now();
  const result = await transformBatch({ topic: names.raw, partition, records, progress: before, transform, maxBytes, signal });
  const transformedAt = performance.now();
  const [raw, processed] = await Promise.all([kafka.topic(names.raw), processedTopic(parts)]);
  if (guarded('raw-topic-id-before-send') && raw?.id !== topicId)
    throw new Reload(`topic ${names.raw} was recreated while a batch of it was transformed`);
  if (guarded('processed-topic-id-before-send') && processed.id !== before.processedId)
    throw new Reload(`topic ${names.processed} has the id ${processed.id}, not ${before.processedId}`);
  signal.throwIfAborted();
  // One after the other: when a send is rejected, nothing else may still be under way.
  const sends = [
    { topic: names.dlq, records: result.dlq },
    { topic: names.processed, records: result.processed, topicId: processed.id },
  ];
  if (!guarded('refusals-before-rows')) sends.reverse();
  for (const { topic, records, topicId } of sends) {
    if (records.length === 0) continue;
    const sent = sender.send(topic, partition, records, topicId);
    await (guarded('acks-before-commit') ? sent : sent.catch(() => {}));
  }
  const sentAt = performance.now();
  await batch.commit(batch.next, encodeProgress(result.progress));
  progress.set(partition, result.progress);
  count(parts, batch, before, result);
  const { batchSeconds } = parts.counters;
  const spent = { transform: transformedAt - startedAt, send: sentAt - transformedAt, commit: performance.now() - sentAt };
  for (const [phase, ms] of Object.entries(spent)) batchSeconds.inc({ pipeline: names.pipeline, phase }, ms / 1000);
}

function count({ counters, names, log }: Parts, { partition }: Batch, before: Progress, result: BatchResult): void {
  const { pipeline } = names;
  const { progress, refusals, drops, unknownFields } = result;
  counters.records.inc({ pipeline, result: 'rows' }, progress.rows - before.rows);
  counters.records.inc({ pipeline, result: 'refused' }, progress.refused - before.refused);
  counters.records.inc({ pipeline, result: 'dropped' }, progress.dropped - before.dropped);
  counters.records.inc({ pipeline, result: 'repeat' }, progress.repeats - before.repeats);
  counters.unknownFields.inc({ pipeline }, unknownFields);
  for (const [filter, drop] of drops) counters.dropped.inc({ pipeline, filter }, drop);
  for (const { offset, outcome } of refusals) {
    const { stage, reason, message, cause } = outcome;
    counters.refused.inc({ pipeline, stage, reason });
    if (reason !== 'internal') continue;
    counters.internalErrors.inc({ pipeline });
    log.error({ topic: names.raw, partition, offset, err: cause }, `record refused: ${message}`);
  }
}

function notify({ counters, names, log, progress }: Parts, notice: Notice): void {
  const { pipeline } = names;
  const { partition } = notice;
  const before = progress.get(partition);
  if (before) progress.set(partition, afterNotice(before, notice));
  if (notice.again) return; // told and counted before
  if (notice.kind === 'lost') {
    counters.lost.inc({ pipeline }, notice.records);
    log.error({ notice }, `${notice.records} raw records were removed by retention before they were processed: they are lost`);
    return;
  }
  counters.restarts.inc({ pipeline, kind: notice.kind });
  log.warn(
    { notice },
    `the raw topic was ${notice.kind}: reading partition ${partition} from offset ${notice.restartAt}; the sink drops what it has`,
  );
}
