/** How much may wait for Kafka's acknowledgement, so that memory is bounded whatever Kafka does. Pure. */
import type { OutRecord } from '@millrace/core/kafka/kafka.ts';

/** Of all Pipelines of the process together. */
const MOST_BYTES = 4 * 1_048_576;
/** The least part. It is on its way within some milliseconds, which gives 2 MiB a second. */
const LEAST_BYTES = 65_536;
/** A stuck partition holds the chunks that its records were cut from, however few of them are its own. */
export const MOST_SPAN_BYTES = 16 * MOST_BYTES;
/** Of a record's framing, in memory and in Kafka. */
const OVERHEAD_BYTES = 100;

/** What a record takes in memory, about. */
export function bytesOf({ key, value, headers }: OutRecord): number {
  let bytes = OVERHEAD_BYTES + (key?.length ?? 0) + (value?.length ?? 0);
  for (const name in headers) bytes += name.length + (headers[name] as string).length;
  return bytes;
}

/** Bytes that may wait in one of so many Pipelines of a process. */
export function unacknowledgedShare(pipelines: number): number {
  return Math.max(LEAST_BYTES, MOST_BYTES / Math.max(1, pipelines));
}

export interface Waiting {
  unacknowledgedBytes: number;
  /** Of all that was added since the oldest record that waits, acknowledged or not. */
  spanBytes: number;
}

/** Whether no more may be added. @param pipelines of this process in which something waits */
export function isFull({ unacknowledgedBytes, spanBytes }: Waiting, pipelines: number): boolean {
  return unacknowledgedBytes >= unacknowledgedShare(pipelines) || spanBytes >= MOST_SPAN_BYTES;
}
