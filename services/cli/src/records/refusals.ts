/**
 * Refusals in a dead-letter topic.
 *
 * Invariants:
 * - A refusal is given once, by its identity (raw topic id, partition, offset, index of what was refused first), however often a
 *   killed processor or sink wrote it or a redrive failed again: the newest record of it, with the newest message.
 * - Nothing is read beyond the ends of the topic as they are at the start.
 * - Memory is bounded, whatever the topic holds: a partition is read twice, first for which record is the newest of each
 *   refusal, then for these records; with more than `PER_PASS` records in as many passes as it takes, each for a part of the identities.
 */
import { crc32 } from 'node:zlib';
import type { Bounds, Kafka, KafkaRecord } from '@millrace/core/kafka/kafka.ts';
import { type Refusal, readRefusal, refusalId, refusedPlace } from '@millrace/core/record/refusal.ts';
import type { Placed } from './read.ts';

/** Identities in memory at a time: about 40 MB. */
const PER_PASS = 250_000;

export interface Refused extends Placed {
  id: string;
  refusal: Refusal;
}

export interface Refusals {
  /** By the topic's partitions; of one partition in the order of offsets within each pass. */
  refused: AsyncIterable<Refused>;
  /** Records that are looked at. */
  records: number;
  /** Records at the beginning of the topic that are not looked at. */
  skipped: number;
  /** Records that are no refusals, as far as was read: another writer put them there. */
  foreign(): number;
}

export interface ReadRefusalsOptions {
  /** Records of a partition that are looked at, from its end. Default: all. */
  most?: number;
  /** Default: see `PER_PASS`. */
  perPass?: number;
  signal?: AbortSignal;
}

/** The refusals of a topic. @throws Error where there is no such topic; the signal's reason */
export async function readRefusals(kafka: Kafka, topic: string, options: ReadRefusalsOptions = {}): Promise<Refusals> {
  const { most = Number.POSITIVE_INFINITY, perPass = PER_PASS, signal } = options;
  if ((await kafka.topic(topic)) === null)
    throw new Error(`there is no topic ${topic}: was the Pipeline ever set up on this Kafka?`);
  const bounds = await kafka.bounds(topic);
  const ranges = bounds.map(({ start, end }) => ({ start: Math.max(start, end - most), end }));
  const skipped = bounds.reduce((sum, { start }, partition) => sum + (ranges[partition]?.start ?? start) - start, 0);
  const records = ranges.reduce((sum, { start, end }) => sum + end - start, 0);
  const foreign = { records: 0 };
  async function* all(): AsyncGenerator<Refused> {
    for (const [partition, range] of ranges.entries()) {
      yield* newest({ kafka, topic, partition, range, perPass, foreign, ...(signal && { signal }) });
    }
  }
  return { refused: all(), records, skipped, foreign: () => foreign.records };
}

interface PartitionRead {
  kafka: Kafka;
  topic: string;
  partition: number;
  range: Bounds;
  perPass: number;
  foreign: { records: number };
  signal?: AbortSignal;
}

async function* newest({ kafka, topic, partition, range, perPass, foreign, signal }: PartitionRead): AsyncGenerator<Refused> {
  const { start, end } = range;
  const passes = Math.max(1, Math.ceil((end - start) / perPass));
  for (let pass = 0; pass < passes; pass++) {
    const isOfThisPass = (id: string): boolean => passes === 1 || crc32(id) % passes === pass;
    const last = new Map<string, number>();
    for await (const record of kafka.range(topic, partition, start, end, signal)) {
      const id = idOf(record);
      if (id !== null && isOfThisPass(id)) last.set(id, record.offset);
      else if (id === null && pass === 0) foreign.records++;
    }
    for await (const record of kafka.range(topic, partition, start, end, signal)) {
      const id = idOf(record);
      if (id === null || last.get(id) !== record.offset) continue;
      yield { topic, partition, record, id, refusal: readRefusal(record.headers) };
    }
  }
}

/** null: no refusal. */
function idOf({ headers }: KafkaRecord): string | null {
  try {
    return refusalId(readRefusal(headers));
  } catch {
    return null; // counted and told
  }
}

/** Where the refused record stands in the raw topic, as people write it: `partition:offset`. */
export function placeOf(refusal: Refusal): string {
  const { partition, offset } = refusedPlace(refusal);
  return `${partition}:${offset}`;
}
