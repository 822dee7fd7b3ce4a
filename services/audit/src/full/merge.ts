/**
 * Holds the objects of one raw partition against what the processor made of them, by origin. One pass over three streams
 * that are in origin order, in constant memory.
 *
 * Invariants:
 * - Each object of a raw record is in the processed topic, in the dead-letter topic, or dropped; in one of them, once. What another
 *   rule made of it before the spec was changed counts as its end, and so does a refusal of its record as a whole.
 * - What stands out of order (only a log that was cut, and a clock that went back, can do that) is in two lists as missing and as
 *   foreign, and is taken out of both in the end.
 */
import type { Bounds } from '@millrace/core/kafka/kafka.ts';
import { isAfter, type Origin } from '@millrace/core/record/origin.ts';

export type Place = Pick<Origin, 'topicId' | 'offset' | 'index'>;

/** An object of a raw record, and what the spec makes of it now. */
export interface RawObject extends Place {
  kind: 'row' | 'refused' | 'dropped';
  /** The processed record's value; null: none. */
  value: Buffer | null;
  rawTimestampMs: number;
}

/** A processed record, or a refusal, when its origin first appears in the log. */
export interface Made extends Place {
  value: Buffer | null;
  rawTimestampMs: number;
  /** Place in its own log. */
  at: number;
  /** Of a redriven record: the object that was refused first. */
  redriven: string | null;
  /** Set for a refusal of the raw record as a whole, however many objects it would give by now. */
  whole?: boolean;
}

export type FullFinding =
  | { kind: 'missing'; place: Place; as: RawObject['kind']; value: Buffer | null }
  | { kind: 'foreign'; place: Place; in: 'processed' | 'dlq'; value: Buffer | null }
  | { kind: 'doubled'; place: Place; value: Buffer | null }
  | { kind: 'changed'; place: Place; expected: Buffer; found: Buffer | null };

export interface MergeInput {
  /** Kafka's id of the raw topic, and how often its log was cut. */
  rawId: string;
  raw: Bounds;
  /** Whether retention has removed the beginning of the processed log, and of the dead letters. */
  processedBegins: 'whole' | 'removed';
  dlqBegins: 'whole' | 'removed';
  objects: AsyncIterable<RawObject>;
  processed: AsyncIterable<Made>;
  refusals: AsyncIterable<Made>;
  /** Called for each row that must be in the table if the sink has come so far. */
  row(row: Place & { value: Buffer; rawTimestampMs: number; at: number | null; redriven: string | null }): Promise<void>;
}

export interface Merged {
  findings: FullFinding[];
  /** Findings beyond those that are kept. */
  more: number;
  objects: number;
  /** Processed records and refusals whose raw record is no longer in the log. */
  gone: number;
}

/** Findings that are kept of one partition. */
const MOST_KEPT = 100_000;

export async function mergeOrigins(input: MergeInput): Promise<Merged> {
  const { rawId, raw } = input;
  const findings = new Map<string, FullFinding>();
  const result: Merged = { findings: [], more: 0, objects: 0, gone: 0 };
  const processed = await cursor(input.processed);
  const refusals = await cursor(input.refusals);

  const find = (finding: FullFinding): void => {
    const key = `${finding.place.topicId}:${finding.place.offset}:${finding.place.index}`;
    const other = findings.get(key);
    // The same origin as missing here and foreign there: it stands out of order, and is in its place after all.
    if (other !== undefined && other.kind !== finding.kind) findings.delete(key);
    else if (findings.size < MOST_KEPT) findings.set(key, finding);
    else result.more += 1;
  };

  const isRow = ({ topicId }: Place): boolean => topicId === rawId || topicId.startsWith(`${rawId}~`);
  const isGone = (place: Place): boolean => !isRow(place) || place.offset < raw.start;
  const rowOf = async (made: Made): Promise<void> => {
    if (made.value !== null) await input.row({ ...made, value: made.value });
  };

  /** Takes what comes before the object (all that is left, for null), and what is of it. */
  async function upTo(from: Cursor, object: RawObject | null, log: 'processed' | 'dlq'): Promise<Made | null> {
    for (;;) {
      const made = from.next;
      if (made === null) return null;
      const order = object === null ? -1 : isGone(made) ? -1 : compare(made, object);
      if (order > 0) return null;
      await from.take();
      if (log === 'processed') await rowOf(made);
      if (order === 0) return made;
      if (isGone(made) || generation(made) < generation(object ?? made)) result.gone += 1;
      else find({ kind: 'foreign', place: made, in: log, value: made.value });
    }
  }

  let refusedWhole: Place | null = null;
  let sawRow = input.processedBegins === 'whole';
  let sawRefusal = input.dlqBegins === 'whole';
  for await (const object of input.objects) {
    result.objects += 1;
    const row = await upTo(processed, object, 'processed');
    const refusal = await upTo(refusals, object, 'dlq');
    sawRow ||= row !== null;
    sawRefusal ||= refusal !== null;
    if (refusal?.whole === true) refusedWhole = object;
    else if (row === null && refusal === null && isSameRecord(object, refusedWhole)) continue;
    if (row !== null && refusal !== null) find({ kind: 'doubled', place: object, value: row.value });
    else if (row !== null) {
      if (object.kind === 'row' && object.value !== null && row.value?.equals(object.value) !== true)
        find({ kind: 'changed', place: object, expected: object.value, found: row.value });
    } else if (refusal === null && object.kind === 'row' && object.value !== null && !sawRow) {
      // Before what the processed log has kept: the table must have it, as the spec makes it.
      await input.row({ ...object, value: object.value, at: null, redriven: null });
    } else if (refusal === null && (object.kind === 'row' || (object.kind === 'refused' && sawRefusal))) {
      find({ kind: 'missing', place: object, as: object.kind, value: object.value });
    }
  }
  await upTo(processed, null, 'processed');
  await upTo(refusals, null, 'dlq');
  result.findings = [...findings.values()];
  return result;
}

/** Each once, when its origin first appears: what is not after the last one of its topic id is a repeat (DESIGN 1.2 rule 4). */
export async function* firstOnly(made: AsyncIterable<Made>): AsyncGenerator<Made> {
  const last = new Map<string, Place>();
  for await (const one of made) {
    if (!isAfter(one, last.get(one.topicId))) continue;
    last.set(one.topicId, one);
    yield one;
  }
}

function generation({ topicId }: Place): number {
  return Number(topicId.split('~')[1] ?? 0);
}

function isSameRecord(a: Place, b: Place | null): boolean {
  return b !== null && a.topicId === b.topicId && a.offset === b.offset;
}

function compare(a: Place, b: Place): number {
  return generation(a) - generation(b) || a.offset - b.offset || a.index - b.index;
}

interface Cursor {
  next: Made | null;
  take(): Promise<void>;
}

async function cursor(made: AsyncIterable<Made>): Promise<Cursor> {
  const iterator = made[Symbol.asyncIterator]();
  const pull = async (): Promise<Made | null> => {
    const { value, done } = await iterator.next();
    return done === true ? null : (value as Made);
  };
  const self: Cursor = {
    next: await pull(),
    take: async () => {
      self.next = await pull();
    },
  };
  return self;
}
