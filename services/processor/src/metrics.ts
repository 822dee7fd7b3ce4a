/** The processor's metrics: one set per registry, whatever the number of Pipelines in the process. */
import { Counter, Gauge, type Registry } from 'prom-client';

export interface Metrics {
  records: Counter<'pipeline' | 'result'>;
  refused: Counter<'pipeline' | 'stage' | 'reason'>;
  dropped: Counter<'pipeline' | 'filter'>;
  unknownFields: Counter<'pipeline'>;
  internalErrors: Counter<'pipeline'>;
  lost: Counter<'pipeline'>;
  restarts: Counter<'pipeline' | 'kind'>;
  /** By pipeline: partitions that wait because of an error, asked when the metrics are read. */
  paused: Map<string, () => number>;
  /** By pipeline: how long its records have waited now, seconds; asked when the metrics are read. */
  lags: Map<string, () => number>;
  batchSeconds: Counter<'pipeline' | 'phase'>;
}

const made = new WeakMap<Registry, Metrics>();

/** The metrics in this registry, made at the first call. */
export function metricsOf(registry: Registry): Metrics {
  const known = made.get(registry);
  if (known) return known;
  const registers = [registry];
  const counter = <T extends string>(name: string, help: string, labelNames: T[]): Counter<T> =>
    new Counter({ name: `millrace_processor_${name}`, help, labelNames, registers });
  const paused: Metrics['paused'] = new Map();
  const lags: Metrics['lags'] = new Map();
  const metrics: Metrics = {
    records: counter('records_total', 'Objects of raw records by how they ended, counted once committed', ['pipeline', 'result']),
    refused: counter('refused_total', 'Refusals written to the DLQ by stage and reason', ['pipeline', 'stage', 'reason']),
    dropped: counter('dropped_total', 'Drops by the name of the filter', ['pipeline', 'filter']),
    unknownFields: counter('unknown_fields_total', 'Members of records that no rule reads and that are not kept', ['pipeline']),
    internalErrors: counter('internal_errors_total', 'Records refused by a mistake in Millrace itself', ['pipeline']),
    lost: counter('lost_records_total', 'Raw records that retention removed before they were processed', ['pipeline']),
    restarts: counter(
      'log_restarts_total',
      'Raw logs read again from their beginning: recreated, truncated, or the processed topic was recreated',
      ['pipeline', 'kind'],
    ),
    batchSeconds: counter('batch_seconds_total', 'Time in batches by phase: transform, send, commit', ['pipeline', 'phase']),
    paused,
    lags,
  };
  new Gauge({
    name: 'millrace_processor_paused_partitions',
    help: 'Partitions that wait because of an error',
    labelNames: ['pipeline'],
    registers,
    collect() {
      this.reset();
      for (const [pipeline, count] of paused) this.set({ pipeline }, count());
    },
  });
  new Gauge({
    name: 'millrace_processor_lag_seconds',
    help: 'How long the oldest raw record that is seen and not processed has waited',
    labelNames: ['pipeline'],
    registers,
    collect() {
      this.reset();
      for (const [pipeline, seconds] of lags) this.set({ pipeline }, seconds());
    },
  });
  made.set(registry, metrics);
  return metrics;
}
