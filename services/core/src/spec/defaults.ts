/** Defaults of the spec that live in code, so that they can change (a default in a CRD is stored for ever: FACTS). */
import type { Pipeline } from './pipeline.ts';

export const DEFAULT_PARTITIONS = 6;
export const DEFAULT_RETENTION = '7d';
export const DEFAULT_MAX_RECORD_BYTES = 1_048_576;
export const DEFAULT_CHUNK = '1d';

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
