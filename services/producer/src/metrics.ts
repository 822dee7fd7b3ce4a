import type { OutRecord } from '@millrace/core/kafka/kafka.ts';
import { UNREADABLE_HEADER } from '@millrace/core/record/raw.ts';
import { Counter, Gauge, type Registry } from 'prom-client';

export interface ProducerMetrics {
  /** Acknowledged by Kafka. */
  records: Counter<'pipeline' | 'source'>;
  bytes: Counter<'pipeline' | 'source'>;
  /** Of those, the ones that the source could not read or that are too large: the processor refuses them. */
  unreadable: Counter<'pipeline' | 'source'>;
  /** Found in the raw topic after a restart, and not sent again. */
  skipped: Counter<'pipeline' | 'source'>;
  unacknowledged: Gauge<'pipeline' | 'source'>;
  completed: Gauge<'pipeline' | 'source'>;
}

const byRegistry = new WeakMap<Registry, ProducerMetrics>();

/** The producer's metrics in this registry, which all Pipelines of the process share. */
export function metricsOf(registry: Registry): ProducerMetrics {
  let metrics = byRegistry.get(registry);
  if (!metrics) {
    const common = { registers: [registry], labelNames: ['pipeline', 'source'] as const };
    metrics = {
      records: new Counter({ ...common, name: 'millrace_producer_records_total', help: 'Raw records that Kafka acknowledged' }),
      bytes: new Counter({ ...common, name: 'millrace_producer_bytes_total', help: 'Bytes of keys and values of those records' }),
      unreadable: new Counter({
        ...common,
        name: 'millrace_producer_unreadable_total',
        help: 'Of those records, the ones that could not be read or are larger than record.maxBytes: the processor refuses them',
      }),
      skipped: new Counter({
        ...common,
        name: 'millrace_producer_skipped_total',
        help: 'Records that were found in the raw topic after a restart, and not sent again',
      }),
      unacknowledged: new Gauge({
        ...common,
        name: 'millrace_producer_unacknowledged_bytes',
        help: 'Bytes read from the source that Kafka has not acknowledged',
      }),
      completed: new Gauge({
        ...common,
        name: 'millrace_producer_completed',
        help: '1 when the source has ended and all of it was sent',
      }),
    };
    byRegistry.set(registry, metrics);
  }
  return metrics;
}

/** Counts records that Kafka acknowledged, whatever source they are of. */
export function countAcknowledged(
  metrics: Pick<ProducerMetrics, 'records' | 'bytes' | 'unreadable'>,
  labels: { pipeline: string; source: string },
  records: readonly OutRecord[],
): void {
  let [bytes, unreadable] = [0, 0];
  for (const { key, value, headers } of records) {
    bytes += (key?.length ?? 0) + (value?.length ?? 0);
    if (UNREADABLE_HEADER in headers) unreadable++;
  }
  metrics.records.inc(labels, records.length);
  metrics.bytes.inc(labels, bytes);
  metrics.unreadable.inc(labels, unreadable);
}
