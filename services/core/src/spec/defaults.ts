/** Defaults of the spec that live in code, so that they can change (a default in a CRD is stored for ever: FACTS). */
import type { Pipeline } from './pipeline.ts';

export const DEFAULT_PARTITIONS = 6;
export const DEFAULT_RETENTION = '7d';
export const DEFAULT_MAX_RECORD_BYTES = 1_048_576;
export const DEFAULT_CHUNK = '1d';
export const DEFAULT_LAG_SECONDS = 30;
/** Of one Pipeline. */
export const MOST_PRODUCERS = 16;

/** DESIGN section 5: by time, and quiet while all is well. */
export const ALERTS = { lagSeconds: { warn: 200, critical: 300, for: '2m' }, silentFor: '10m', rejectedRatio: 0.01 } as const;

export function partitionsOf(pipeline: Pipeline): number {
  return pipeline.spec.topics?.partitions ?? DEFAULT_PARTITIONS;
}

export function maxRecordBytesOf(pipeline: Pipeline): number {
  return pipeline.spec.record.maxBytes ?? DEFAULT_MAX_RECORD_BYTES;
}

/** Largest record of the processed and dlq topics: four times the raw one plus 64 KiB (DESIGN 1.1). */
export function maxProcessedBytesOf(pipeline: Pipeline): number {
  return 4 * maxRecordBytesOf(pipeline) + 65_536;
}

/** Where sources of HTTP listen, on a laptop and in a pod. */
export const DEFAULT_HTTP_PORT = 8090;

/** Of MQTT, without and with TLS. */
export const DEFAULT_MQTT_PORT = 1_883;
export const DEFAULT_MQTTS_PORT = 8_883;

/** Largest request body in bytes, unpacked. */
export function maxBodyOf(pipeline: Pipeline): number {
  return pipeline.spec.source.http?.maxBody ?? maxRecordBytesOf(pipeline);
}

/** What holds where a field is left out: a value of the field, or words where it depends on something else. */
export type Default = { value: string | number | boolean | Record<string, unknown> } | { words: string };

/**
 * Defaults by path, for the reference page and the editor schema. `*` stands for a name or an index.
 * A field that is not here has none.
 */
export const DEFAULTS: Readonly<Record<string, Default>> = {
  'metadata.namespace': { value: 'default' },
  'spec.source.replay.format': { words: 'by the name of the file' },
  'spec.source.replay.delimiter': { value: ',' },
  'spec.source.replay.quote': { value: '"' },
  'spec.source.replay.encoding': { value: 'utf-8' },
  'spec.source.replay.header': { value: 1 },
  'spec.source.replay.skip': { value: 0 },
  'spec.source.replay.columns': { words: 'as the header of the file has them' },
  'spec.source.replay.pace': { value: { unlimited: true } },
  'spec.source.replay.clock': { value: 'original' },
  'spec.source.replay.loop': { value: false },
  'spec.source.replay.limit': { value: 0 },
  'spec.record.time.locale': { value: 'en-US' },
  'spec.record.fields.*.locale': { value: 'en-US' },
  'spec.source.simulator.start': { words: 'when the run began' },
  'spec.source.simulator.step': { words: 'devices / rate' },
  'spec.source.simulator.limit': { value: 0 },
  'spec.source.simulator.faults.kinds': { words: 'all that fit the fields' },
  'spec.source.http.path': { words: '/logs and /sensor_data with decode: sensor-logger, else none' },
  'spec.source.http.maxBody': { words: 'record.maxBytes' },
  'spec.source.http.rate': { words: 'no limit' },
  'spec.source.mqtt.url': { words: "the platform's own broker" },
  'spec.source.mqtt.qos': { value: 1 },
  'spec.source.mqtt.version': { value: 'v5' },
  'spec.source.mqtt.clientId': { words: 'millrace.<namespace>.<name>' },
  'spec.source.topic.from': { value: 'earliest' },
  'spec.topics.partitions': { value: DEFAULT_PARTITIONS },
  'spec.topics.retention': { value: DEFAULT_RETENTION },
  'spec.topics.replicas': { words: 'the number of brokers, at most 3' },
  'spec.topics.prefix': { words: '<namespace>.<name>' },
  'spec.record.decode': { value: 'json' },
  'spec.record.time.format': { value: 'iso' },
  'spec.record.time.zone': { value: 'UTC' },
  'spec.record.time.nanoseconds': { value: false },
  'spec.record.maxBytes': { value: DEFAULT_MAX_RECORD_BYTES },
  'spec.record.fields.*.from': { words: 'the name of the field' },
  'spec.record.fields.*.required': { value: false },
  'spec.record.fields.*.decimal': { value: '.' },
  'spec.record.fields.*.format': { value: 'iso' },
  'spec.record.fields.*.zone': { value: 'UTC' },
  'spec.table.unique.keep': { value: 'last' },
  'spec.table.latest.by': { words: 'the key' },
  'spec.table.latest.of': { words: 'every row counts' },
  'spec.table.latest.topic': { value: false },
  'spec.table.chunk': { value: DEFAULT_CHUNK },
  'spec.table.retain': { words: 'kept for ever' },
  'spec.table.extra': { value: false },
  'spec.rollups.*.by': { words: 'the key' },
  'spec.rollups.*.retain': { words: 'kept for ever' },
  'spec.scale.min': { value: 1 },
  'spec.scale.max': { words: 'the number of partitions' },
  'spec.scale.lagSeconds': { value: DEFAULT_LAG_SECONDS },
  'spec.scale.producers': { value: 1 },
  'spec.alerts.lagSeconds.warn': { value: ALERTS.lagSeconds.warn },
  'spec.alerts.lagSeconds.critical': { value: ALERTS.lagSeconds.critical },
  'spec.alerts.lagSeconds.for': { value: ALERTS.lagSeconds.for },
  'spec.alerts.silentFor': { value: ALERTS.silentFor },
  'spec.alerts.rejectedRatio': { value: ALERTS.rejectedRatio },
  'spec.deletionPolicy': { value: 'Retain' },
};
