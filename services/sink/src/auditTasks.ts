/**
 * What the sink does for the ledger beside storing: copies the processor's counters into it, and audits it from time to time.
 * It does both since it has both servers; they run apart from the roll-ups, which wait for nothing.
 */
import { audit } from '@millrace/audit/audit.ts';
import { copyProcessorCounts } from '@millrace/audit/copy.ts';
import type { Kafka } from '@millrace/core/kafka/kafka.ts';
import type { Logger } from '@millrace/core/log.ts';
import { namesOf } from '@millrace/core/spec/names.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import { tryTurn, withSession } from '@millrace/setup/session.ts';
import type { Pool } from 'pg';
import type { Task } from './maintenance.ts';
import type { SinkMetrics } from './metrics.ts';
import { endingWith } from './session.ts';

const COPY_EVERY_MS = 60_000;
const AUDIT_EVERY_MS = 3_600_000;
/** A process that is started again and again does not audit each time. */
const FIRST_AUDIT_MS = 30_000;
/** An audit that takes longer is given up, and counted as failed. */
const AUDIT_WITHIN_MS = 900_000;
const LOCK_STATEMENT_MS = 10_000;

/** One audit at a time in a process, however many Pipelines it serves: an audit takes two connections. */
let last: Promise<unknown> = Promise.resolve();

export interface AuditServers {
  kafka: Kafka;
  database: Pool;
}

export function auditTasks(pipeline: Pipeline, { kafka, database }: AuditServers, metrics: SinkMetrics, log: Logger): Task[] {
  return [
    {
      name: 'ledger',
      everyMs: COPY_EVERY_MS,
      async run(signal) {
        await copyProcessorCounts(kafka, endingWith(database, signal), pipeline);
        return false;
      },
    },
    {
      name: 'audit',
      firstMs: FIRST_AUDIT_MS,
      everyMs: AUDIT_EVERY_MS,
      async run(signal) {
        const turn = last.then(() => {
          const within = AbortSignal.any([signal, AbortSignal.timeout(AUDIT_WITHIN_MS)]);
          return auditOnce(pipeline, { kafka, database }, metrics, log, within);
        });
        last = turn.catch(() => undefined); // whose it is says so
        await turn;
        return false;
      },
    },
  ];
}

/** Audits and shows the result, unless another sink of this Pipeline is at it. @throws Error where it cannot be done */
export async function auditOnce(
  pipeline: Pipeline,
  { kafka, database }: AuditServers,
  metrics: SinkMetrics,
  log: Logger,
  signal: AbortSignal,
): Promise<void> {
  const { pipeline: name } = namesOf(pipeline);
  const pool = endingWith(database, signal);
  try {
    signal.throwIfAborted();
    await withSession(pool, LOCK_STATEMENT_MS, async (session) => {
      if (!(await tryTurn(session, `millrace audit ${name}`))) return;
      const result = await audit(pipeline, { kafka, database: pool }, signal);
      for (const { name: check, differenceRows } of result.checks)
        metrics.auditDifference.set({ pipeline: name, check }, differenceRows);
      metrics.auditTimestamp.set({ pipeline: name }, result.startedAtMs / 1000);
      for (const { name: check, state, findings } of result.checks) {
        if (state === 'different') log.error({ check, findings: findings.slice(0, 10) }, 'the audit found a difference');
        if (state === 'unknown') log.warn({ check, findings: findings.slice(0, 10) }, 'the audit could not tell');
      }
    });
  } catch (error) {
    if (!signal.aborted || signal.reason?.name === 'TimeoutError') metrics.auditFailures.inc({ pipeline: name });
    throw error;
  }
}
