/** What the sink shows to Prometheus. Made once per registry, labelled by Pipeline. */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { Waiting } from './latestTopic/store.ts';
import { PAUSE_REASONS, type PauseReason } from './pauses.ts';

export type SinkMetrics = ReturnType<typeof make>;

const made = new WeakMap<Registry, SinkMetrics>();

export function sinkMetrics(registry: Registry): SinkMetrics {
  const found = made.get(registry);
  if (found !== undefined) return found;
  const metrics = make(registry);
  made.set(registry, metrics);
  return metrics;
}

function make(registry: Registry) {
  const registers = [registry];
  const pauses = new Map<string, () => PauseReason[]>();
  const lags = new Map<string, () => number>();
  const latestWaiting = new Map<string, Waiting & { atMs: number }>();
  return {
    rows: new Counter({
      name: 'millrace_sink_rows_total',
      help: 'Processed records by what became of them: stored, refused (in the dead-letter topic), repeat (seen before), merged (unique)',
      labelNames: ['pipeline', 'result'] as const,
      registers,
    }),
    transactionSeconds: new Histogram({
      name: 'millrace_sink_transaction_seconds',
      help: 'How long a batch took from BEGIN to the answer of COMMIT',
      labelNames: ['pipeline'] as const,
      buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
      registers,
    }),
    transactions: new Counter({
      name: 'millrace_sink_transactions_total',
      help: 'Transactions by how they ended: committed, moved (someone else moved the position), aborted (partition taken away), failed',
      labelNames: ['pipeline', 'result'] as const,
      registers,
    }),
    /** By pipeline: the reasons of the partitions that wait now. */
    pauses,
    paused: new Gauge({
      name: 'millrace_sink_paused_partitions',
      help: 'Partitions that wait because the database or the dead-letter topic does not take what they hold, by reason',
      labelNames: ['pipeline', 'reason'] as const,
      registers,
      collect() {
        this.reset();
        for (const [pipeline, reasons] of pauses) {
          for (const reason of PAUSE_REASONS) this.set({ pipeline, reason }, 0);
          for (const reason of reasons()) this.inc({ pipeline, reason });
        }
      },
    }),
    /** By pipeline: how long its records have waited now, seconds. */
    lags,
    lag: new Gauge({
      name: 'millrace_sink_lag_seconds',
      help: 'How long the oldest processed record that is seen and not stored has waited',
      labelNames: ['pipeline'] as const,
      registers,
      collect() {
        this.reset();
        for (const [pipeline, seconds] of lags) this.set({ pipeline }, seconds());
      },
    }),
    lost: new Counter({
      name: 'millrace_sink_lost_records_total',
      help: 'Processed records that were gone from the log before the sink read them',
      labelNames: ['pipeline'] as const,
      registers,
    }),
    notices: new Counter({
      name: 'millrace_sink_log_notices_total',
      help: 'Times that the processed log was found recreated, truncated or with records lost',
      labelNames: ['pipeline', 'kind'] as const,
      registers,
    }),
    lagCommitFailures: new Counter({
      name: 'millrace_sink_lag_commit_failures_total',
      help: 'Offset commits to Kafka that failed; they are for lag display only',
      labelNames: ['pipeline'] as const,
      registers,
    }),
    newestRow: new Gauge({
      name: 'millrace_sink_newest_row_timestamp_seconds',
      help: 'Newest time column stored since this process started',
      labelNames: ['pipeline'] as const,
      registers,
    }),
    /** By pipeline: what is not in the topic of newest rows yet, as of `atMs` (`performance.now()`); only of the sink that sends it. */
    latestWaiting,
    latestUnsent: new Gauge({
      name: 'millrace_latest_unsent_combinations',
      help: 'Newest rows that have changed and are not in their topic yet, at most 100,000; of the sink that sends them',
      labelNames: ['pipeline'] as const,
      registers,
      collect() {
        this.reset();
        for (const [pipeline, { combinations }] of latestWaiting) this.set({ pipeline }, combinations);
      },
    }),
    latestAge: new Gauge({
      name: 'millrace_latest_oldest_unsent_seconds',
      help: 'How long the first of them has waited; of the sink that sends them',
      labelNames: ['pipeline'] as const,
      registers,
      collect() {
        this.reset();
        for (const [pipeline, { combinations, oldestSeconds, atMs }] of latestWaiting)
          this.set({ pipeline }, combinations === 0 ? 0 : oldestSeconds + (performance.now() - atMs) / 1000);
      },
    }),
    latestSent: new Counter({
      name: 'millrace_latest_sent_total',
      help: 'Records sent to the topic of newest rows: row, deletion',
      labelNames: ['pipeline', 'result'] as const,
      registers,
    }),
    auditDifference: new Gauge({
      name: 'millrace_audit_difference_rows',
      help: 'Rows or records by which the last audit found topics, counters and table to differ, by check',
      labelNames: ['pipeline', 'check'] as const,
      registers,
    }),
    auditTimestamp: new Gauge({
      name: 'millrace_audit_last_timestamp_seconds',
      help: 'When the last audit that came to an end began',
      labelNames: ['pipeline'] as const,
      registers,
    }),
    auditFailures: new Counter({
      name: 'millrace_audit_failures_total',
      help: 'Audits that could not be done, since Kafka or the database did not answer or it took too long',
      labelNames: ['pipeline'] as const,
      registers,
    }),
    maintenanceFailures: new Counter({
      name: 'millrace_sink_maintenance_failures_total',
      help: 'Roll-up refreshes, retention runs, copies into the ledger, audits and sends of newest rows that failed and are tried again',
      labelNames: ['pipeline', 'task'] as const,
      registers,
    }),
  };
}
