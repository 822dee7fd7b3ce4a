/**
 * Counts the refusals of one partition of the dead-letter topic, each once.
 *
 * Invariant: memory is bounded. So many identities are known one by one; beyond, a refusal that is not after the last one of its
 * raw topic and refuser is a repeat, which holds as long as nobody but processor and sink refuses (rule 4 of DESIGN 1.2).
 */
import type { Bounds, Kafka } from '@millrace/core/kafka/kafka.ts';
import { epochHour } from '@millrace/core/record/hour.ts';
import { isAfter, type Origin } from '@millrace/core/record/origin.ts';
import { RESET_HEADER, type Refusal, readRefusal } from '@millrace/core/record/refusal.ts';
import { type Refusals, type Tally, tallyUp } from './evidence.ts';

/** Of one partition: some 40 bytes each. */
const MOST_KNOWN = 500_000;

/**
 * @param bounds `from`: those before it are not of the rules that count now
 * @param counts whether a refusal had been counted when the counters were read
 */
export async function countRefusals(
  kafka: Kafka,
  topic: string,
  partition: number,
  bounds: Bounds & { from: number },
  counts: (refusal: Refusal) => boolean,
  signal?: AbortSignal,
): Promise<Refusals> {
  const tallies = { processor: new Map() as Tally, store: new Map() as Tally };
  const last = new Map<string, Pick<Origin, 'offset' | 'index'>>();
  const known = new Map<string, Set<number | string>>();
  let size = 0;
  /** Whether this is the first time that it comes. */
  function isNew(by: string, { topicId, offset, index }: Refusal['origin']): boolean {
    const key = `${by} ${topicId}`;
    const seen = known.get(key) ?? new Set();
    const id = index < 1024 && offset < 2 ** 42 ? offset * 1024 + index : `${offset}:${index}`;
    if (seen.has(id)) return false;
    const isAfterLast = isAfter({ offset, index }, last.get(key));
    if (isAfterLast) last.set(key, { offset, index });
    if (size >= MOST_KNOWN) return isAfterLast;
    known.set(key, seen.add(id));
    size += 1;
    return true;
  }
  let foreign = 0;
  let wholeFrom: number | null = null;
  for await (const record of kafka.range(topic, partition, bounds.from, bounds.end, signal)) {
    let refusal: Refusal;
    try {
      refusal = readRefusal(record.headers);
    } catch {
      foreign += 1; // another tool wrote it; the audit says how many there are
      continue;
    }
    if (RESET_HEADER in record.headers) continue; // neither processor nor sink counted it
    const hour = epochHour(refusal.rawTimestampMs);
    if (bounds.start > 0 && bounds.from === bounds.start && wholeFrom === null) wholeFrom = hour + 1;
    const by = refusal.stage === 'store' ? 'store' : 'processor';
    const { topicId } = refusal.origin;
    if (counts(refusal) && isNew(by, refusal.origin)) tallyUp(tallies[by], topicId, hour);
  }
  // All that was there is gone: nothing can be compared, in whatever hour it was.
  if (bounds.start > 0 && bounds.from === bounds.start && wholeFrom === null) wholeFrom = Number.MAX_SAFE_INTEGER;
  return { ...tallies, wholeFrom, foreign };
}
