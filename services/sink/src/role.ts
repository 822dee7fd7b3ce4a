/**
 * The sink: processed records become table rows, each once (DESIGN 1.2 rules 3 to 5, 1.3).
 *
 * Wires the reader of the processed topic to the partitions' load and store, and the maintenance timer beside them.
 * Connections: one per batch that is being stored (`CONCURRENCY`), one for maintenance, up to
 * two for the ledger and its audit, one now and then for the topic of newest rows.
 */
import type { Batch, Reader } from '@millrace/core/kafka/kafka.ts';
import { watchLag } from '@millrace/core/role/lag.ts';
import type { Role, RoleContext, Worker } from '@millrace/core/role/role.ts';
import { maxProcessedBytesOf } from '@millrace/core/spec/defaults.ts';
import { namesOf } from '@millrace/core/spec/names.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import { columnsOf, uniqueOf } from '@millrace/core/table/columns.ts';
import { rollupsOf } from '@millrace/core/table/rollup.ts';
import { auditTasks } from './auditTasks.ts';
import { sendRefusals } from './dlq.ts';
import { latestTableOf } from './latest.ts';
import { latestTopic } from './latestTopic/task.ts';
import { maintain } from './maintenance.ts';
import { maintenanceTasks } from './maintenanceTasks.ts';
import { sinkMetrics } from './metrics.ts';
import { partitions } from './partitions.ts';
import { healthOf } from './pauses.ts';
import { writerFor } from './writers/index.ts';

/** Partitions whose batches are stored at a time. */
const CONCURRENCY = 4;
/** How long a stop waits for batches that are being stored; what is not committed then is read again by the next. */
const GRACE_MS = 10_000;

export const sink: Role = { name: 'sink', needsDatabase: true, start };

async function start(pipeline: Pipeline, { kafka, database, log, metrics: registry }: RoleContext): Promise<Worker> {
  const names = namesOf(pipeline);
  const columns = columnsOf(pipeline);
  const latest = latestTableOf(pipeline);
  const metrics = sinkMetrics(registry);
  const sender = kafka.sender();
  const dlq = { topic: names.dlq, maxBytes: maxProcessedBytesOf(pipeline) };
  const held = partitions({
    pipeline: names.pipeline,
    table: `${names.schema}.${names.table}`,
    pool: database,
    writer: writerFor({ names, columns, latest }, uniqueOf(pipeline)),
    rollups: rollupsOf(pipeline),
    refuse: (batch, refused) => sendRefusals(sender, dlq, batch, refused),
    metrics,
    log,
  });
  const { load, notice } = held;
  let batches = 0;
  const lag = watchLag();
  const handle = async (batch: Batch): Promise<void> => {
    await lag.handle(batch, () => held.handle(batch));
    batches += 1;
  };
  const read = { group: names.sinkGroup, topic: names.processed, log, load, handle, notice, concurrency: CONCURRENCY };
  let reader: Reader;
  try {
    reader = await kafka.read(read);
  } catch (error) {
    await sender.close();
    throw error;
  }
  metrics.pauses.set(names.pipeline, () => {
    const pauses = held.pauses();
    return reader.partitions().flatMap(({ partition }) => pauses.get(partition)?.reason ?? []);
  });
  metrics.lags.set(names.pipeline, () => lag.seconds(reader.partitions(), Date.now()));
  const maintenance = maintain(
    names.pipeline,
    maintenanceTasks(pipeline, database, () => batches),
    metrics,
    log,
  );
  const auditing = maintain(names.pipeline, auditTasks(pipeline, { kafka, database }, metrics, log), metrics, log);
  // One member of the group has it at a time, and another one where that one is frozen.
  const isSender = (): boolean => reader.partitions().some(({ partition }) => partition === 0);
  const newest = latestTopic(pipeline, { kafka, database, metrics, log, isSender });
  const sending = maintain(names.pipeline, newest === null ? [] : [newest.task], metrics, log);
  return {
    health: () => healthOf(reader.partitions(), held.pauses()),
    failed: reader.failed,
    async stop() {
      metrics.pauses.delete(names.pipeline);
      metrics.lags.delete(names.pipeline);
      try {
        await Promise.all([reader.close(GRACE_MS), maintenance.stop(), auditing.stop(), sending.stop()]);
      } finally {
        await newest?.close();
        await sender.close();
      }
    },
  };
}
