/** Raw records that refusals came from, where the raw topic still holds them. */
import type { Bounds, Kafka, KafkaRecord, TopicState } from '@millrace/core/kafka/kafka.ts';
import type { Refused } from '../records/refusals.ts';

/** Records between two wanted ones that are read along rather than asked around. */
const GAP = 1_000;

export interface RawLog {
  name: string;
  state: TopicState;
  bounds: readonly Bounds[];
}

/**
 * The raw records of these refusals (of any partitions), by refusal. One is there only where the topic has the same id, and
 * the record at the offset the same append time: an offset may have been given twice (docs/decisions/0004).
 */
export async function findOriginals(
  kafka: Kafka,
  raw: RawLog,
  refused: readonly Refused[],
  signal?: AbortSignal,
): Promise<Map<Refused, KafkaRecord>> {
  const found = new Map<Refused, KafkaRecord>();
  const wanted = refused.filter(({ refusal: { origin, partition } }) => {
    const { start, end } = raw.bounds[partition] ?? { start: 0, end: 0 };
    return origin.topicId.replace(/~\d+$/, '') === raw.state.id && origin.offset >= start && origin.offset < end;
  });
  for (const [partition, ofPartition] of Map.groupBy(wanted, ({ refusal }) => refusal.partition)) {
    const byOffset = Map.groupBy(ofPartition, ({ refusal }) => refusal.origin.offset);
    for (const { from, to } of spans([...byOffset.keys()])) {
      for await (const record of kafka.range(raw.name, partition, from, to, signal)) {
        for (const one of byOffset.get(record.offset) ?? []) {
          if (one.refusal.rawTimestampMs === record.timestampMs) found.set(one, record);
        }
      }
    }
  }
  return found;
}

/** Pieces [from, to) that cover the offsets, with gaps of at most `GAP` in them. */
export function spans(offsets: readonly number[]): { from: number; to: number }[] {
  const pieces: { from: number; to: number }[] = [];
  for (const offset of offsets.toSorted((a, b) => a - b)) {
    const last = pieces.at(-1);
    if (last && offset - last.to <= GAP) last.to = offset + 1;
    else pieces.push({ from: offset, to: offset + 1 });
  }
  return pieces;
}
