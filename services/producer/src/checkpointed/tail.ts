/** Reads the end of each raw partition: how far a run has come there, whatever was acknowledged. */
import type { Bounds, Kafka, KafkaRecord } from '@millrace/core/kafka/kafka.ts';
import { REDRIVE_HEADER } from '@millrace/core/record/redrive.ts';
import { highestOrdinal } from './run.ts';

/** Records read at once from the end; further back, more are read, in case another writer stands behind the run. */
const WINDOWS = [256, 2_048, 16_384];
const LARGEST_WINDOW = 16_384;

/**
 * The highest ordinal of the run at the end of each partition; -1 where none is found. Foreign records at the end are
 * walked past, up to the sum of the windows, redriven ones without end; what would be missed beyond is sent again, and
 * dropped by the processor.
 */
export async function lastOrdinals(kafka: Kafka, topic: string, run: string, signal: AbortSignal): Promise<number[]> {
  const bounds = await kafka.bounds(topic);
  const last: number[] = [];
  // One after another: a fetch at a time is all the memory that this may take.
  for (const [partition, bound] of bounds.entries()) last.push(await lastOrdinal(kafka, topic, partition, bound, run, signal));
  return last;
}

async function lastOrdinal(
  kafka: Kafka,
  topic: string,
  partition: number,
  { start, end }: Bounds,
  run: string,
  signal: AbortSignal,
): Promise<number> {
  let to = end;
  let isBehindRedriven = false;
  for (let nth = 0; nth < WINDOWS.length || isBehindRedriven; nth++) {
    const from = Math.max(start, to - (WINDOWS[nth] ?? LARGEST_WINDOW));
    if (from >= to) return -1;
    const records: Pick<KafkaRecord, 'headers'>[] = [];
    for await (const { headers } of kafka.range(topic, partition, from, to, signal)) records.push({ headers });
    const highest = highestOrdinal(records, run);
    if (highest >= 0) return highest;
    isBehindRedriven = records.some(({ headers }) => REDRIVE_HEADER in headers);
    to = from;
  }
  return -1;
}
