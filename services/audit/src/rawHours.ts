/** The records of a raw topic by hour of append, from its own indexes. */
import type { Bounds, Kafka } from '@millrace/core/kafka/kafka.ts';
import { epochHour, HOUR_MS } from '@millrace/core/record/hour.ts';
import type { RawHours } from './evidence.ts';

/** The latest hours that are asked for, one question each. */
const MOST_HOURS = 31 * 24;

/**
 * How many records each hour has, of a topic whose times are those of append. Exact where these never go back; `recount` is
 * where they do.
 * @param parts by partition the offsets to count, null for none
 * @param lastHour of these records
 */
export async function recordsByHour(
  kafka: Kafka,
  topic: string,
  parts: readonly (Bounds | null)[],
  lastHour: number,
): Promise<RawHours[]> {
  const firsts = await Promise.all(
    parts.map((part, partition) => (part === null ? null : firstHour(kafka, topic, partition, part))),
  );
  const known = firsts.filter((hour) => hour !== null);
  const first = Math.max(Math.min(...known), lastHour - MOST_HOURS + 1);
  const counted = parts.map((part, partition) => {
    const begins = firsts[partition] ?? null;
    const isWhole = part === null || begins === null || (part.start === 0 && begins >= first);
    return { hours: new Map<number, number>(), from: isWhole ? null : Math.max(first, (begins ?? first) + 1) };
  });
  let at = await startsOf(first);
  for (let hour = first; known.length > 0 && hour <= lastHour; hour += 1) {
    const next = hour === lastHour ? parts.map((part) => part?.end ?? 0) : await startsOf(hour + 1);
    for (const [partition, end] of next.entries()) {
      const records = end - (at[partition] ?? end);
      if (records > 0) counted[partition]?.hours.set(hour, records);
    }
    at = next;
  }
  return counted;

  /** Where an hour begins in each part. */
  async function startsOf(hour: number): Promise<number[]> {
    const offsets = known.length === 0 ? [] : await kafka.offsetsAt(topic, hour * HOUR_MS);
    return parts.map((part, partition) => {
      const { start, end } = part ?? { start: 0, end: 0 };
      return Math.max(start, Math.min(offsets[partition] ?? end, end));
    });
  }
}

async function firstHour(kafka: Kafka, topic: string, partition: number, { start, end }: Bounds): Promise<number | null> {
  for await (const { timestampMs } of kafka.range(topic, partition, start, end)) return epochHour(timestampMs);
  return null;
}

/** The same by reading all the records of one partition. */
export async function recount(
  kafka: Kafka,
  topic: string,
  partition: number,
  part: Bounds,
  from: number | null,
): Promise<RawHours> {
  const hours = new Map<number, number>();
  for await (const { timestampMs } of kafka.range(topic, partition, part.start, part.end)) {
    const hour = epochHour(timestampMs);
    hours.set(hour, (hours.get(hour) ?? 0) + 1);
  }
  return { hours, from };
}
