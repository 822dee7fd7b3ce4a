/**
 * Random model of DESIGN 1.2, the twin of shared/model/positions.py around the decisions that really run: `position.ts`
 * and core's `resume.ts`. Raw partition -> processed partition -> table, each row once.
 *
 * Many processors (some presumed dead, some still sending an old batch) and many sinks act on one partition in random
 * order. They crash between sending and committing, commit old offsets, and the group's offsets get lost; the raw topic
 * is recreated once all of it was stored, the processed topic at any time; the processed log loses stored records at either end; the database falls back to
 * an earlier state. At the end all is drained, and the table must hold every raw row exactly once. With any one guard
 * taken out it does not: those of `position.ts` and `resume.ts` are taken out there, the others here, where the model stands
 * for what has no pure function.
 */
import { guarded } from '@millrace/core/guards.ts';
import type { KafkaRecord } from '@millrace/core/kafka/kafka.ts';
import { checkFirst, decideStart, type LogState } from '@millrace/core/kafka/resume.ts';
import { decodeOrigin, encodeOrigin, ORIGIN_HEADER } from '@millrace/core/record/origin.ts';
import { guardTest } from '@millrace/core/testing/guardTest.ts';
import fc from 'fast-check';
import { test } from 'vitest';
import { dropRepeats, originText, positionAfter, readerPosition, type StoredPosition } from './position.ts';

interface Processor {
  raw: number[][];
  topicId: string;
  /** Processed topic that it began to send to: it looks before each send. */
  topic: number;
  at: number;
  commit: number | null;
}

interface Sink {
  loaded: StoredPosition | null;
  /** Which state of the processed log it reads: changes when the topic is recreated or cut (leader epoch). */
  epoch: number;
  at: number;
}

const FIRST: StoredPosition = { version: 0, writer: 'none', next: null, topicId: null, bookmark: null, origins: new Map() };

class World {
  #random: () => number = () => 0;
  #raw: number[][] = [];
  #rawId = 0;
  #committed = { topicId: 'raw0', topic: 0, offset: 0 };
  #log: KafkaRecord[] = [];
  #start = 0;
  #topic = 0;
  #epoch = 0;
  #rows = 0;
  #mark = 0;
  #table: number[] = [];
  #processors: Processor[] = [];
  #sinks: Sink[] = [{ loaded: null, epoch: -1, at: 0 }];
  #position = FIRST;
  #snapshots: { position: StoredPosition; rows: number }[] = [];

  /** Rows missing and rows twice at the end. */
  run(steps: readonly (readonly [die: number, seed: number])[]): { missing: number; twice: number } {
    for (const [die, seed] of steps) {
      this.#random = mulberry32(seed);
      this.#step(die / 1000);
    }
    this.#random = mulberry32(1);
    this.#drain();
    const found = new Set(this.#table);
    return { missing: this.#rows - found.size, twice: this.#table.length - found.size };
  }

  #step(die: number): void {
    if (die < 0.35) this.#appendRaw();
    else if (die < 0.42) this.#startProcessor();
    else if (die < 0.7) this.#pick(this.#processors, (processor) => this.#stepProcessor(processor, true));
    else if (die < 0.72) this.#pick(this.#processors, (processor) => this.#remove(processor));
    else if (die < 0.73) this.#committed = { topicId: 'none', topic: 0, offset: 0 };
    else if (die < 0.735) this.#recreateRaw();
    else if (die < 0.74) this.#recreateProcessed();
    else if (die < 0.75) this.#databaseFallsBack();
    else if (die < 0.77) this.#sinks.push({ loaded: null, epoch: -1, at: 0 });
    else if (die < 0.775) this.#cutEnd();
    else if (die < 0.785) this.#retain();
    else this.#pick(this.#sinks, (sink) => this.#stepSink(sink, true));
  }

  #pick<T>(from: readonly T[], act: (one: T) => unknown): void {
    const one = from[Math.floor(this.#random() * from.length)];
    if (one !== undefined) act(one);
  }

  #remove(processor: Processor): void {
    this.#processors.splice(this.#processors.indexOf(processor), 1);
  }

  #appendRaw(): void {
    const made = [0, 1, 1, 2, 3][Math.floor(this.#random() * 5)] ?? 0;
    this.#raw.push(Array.from({ length: made }, (_, i) => this.#rows + i));
    this.#rows += made;
  }

  #startProcessor(): Processor {
    const topicId = `raw${this.#rawId}`;
    const counts = this.#committed.topicId === topicId && this.#isFor(this.#committed);
    const processor = { raw: this.#raw, topicId, topic: this.#topic, at: counts ? this.#committed.offset : 0, commit: null };
    this.#processors.push(processor);
    return processor;
  }

  /** Whether rows that were sent are in the processed topic of now. */
  #isFor({ topic }: { topic: number }): boolean {
    return topic === this.#topic || !guarded('processed-id-in-progress');
  }

  #stepProcessor(processor: Processor, faults: boolean): void {
    const { topicId, topic } = processor;
    if (processor.commit !== null && this.#random() < 0.6) {
      this.#committed = { topicId, topic, offset: processor.commit }; // also one presumed dead: may go backwards
      processor.commit = null;
      return;
    }
    if (processor.topicId !== `raw${this.#rawId}` && (!faults || this.#random() < 0.5)) {
      Object.assign(processor, { raw: this.#raw, topicId: `raw${this.#rawId}`, at: 0, commit: null });
    }
    if (!this.#isFor(processor)) Object.assign(processor, { topic: this.#topic, at: 0, commit: null });
    const to = Math.min(processor.at + 1 + Math.floor(this.#random() * 3), processor.raw.length);
    for (let offset = processor.at; offset < to; offset += 1) this.#emit(processor, offset);
    processor.at = to;
    if (faults && this.#random() < 0.15)
      this.#remove(processor); // killed after the send, before the commit
    else processor.commit = to;
  }

  #emit({ raw, topicId }: Processor, offset: number): void {
    const rows = raw[offset] ?? [];
    for (const [index, row] of rows.entries()) {
      this.#mark += 1;
      this.#log.push({
        offset: this.#end,
        timestampMs: this.#mark,
        key: null,
        value: Buffer.from(String(row)),
        headers: { [ORIGIN_HEADER]: Buffer.from(encodeOrigin({ topicId, offset, index, count: rows.length })) },
      });
    }
  }

  get #end(): number {
    return this.#start + this.#log.length;
  }

  get #state(): LogState {
    return { topicId: `processed${this.#topic}`, start: this.#start, end: this.#end };
  }

  #load(sink: Sink): void {
    sink.loaded = this.#position;
    sink.epoch = this.#epoch;
    const position = readerPosition(this.#position);
    const start = decideStart(position, this.#state);
    sink.at = start.next;
    if (start.check === null) return;
    const verdict = checkFirst(start.next, start.check, this.#log[start.fetchFrom - this.#start] ?? null, this.#state);
    if (verdict.go === 'restart') sink.at = this.#start;
  }

  #stepSink(sink: Sink, faults: boolean): boolean {
    if (sink.loaded === null || sink.epoch !== this.#epoch) this.#load(sink);
    const seen = sink.loaded ?? FIRST;
    const from = sink.at - this.#start;
    const records = this.#log.slice(Math.max(0, from), Math.max(0, from) + 1 + Math.floor(this.#random() * 5));
    if (records.length === 0) return false;
    const giveUp = (): boolean => {
      sink.loaded = null;
      return true;
    };
    if (faults && this.#random() < 0.1) return giveUp(); // killed before the transaction commits
    const now = this.#position;
    const isMoved =
      guarded('position-compare') && (now.version !== seen.version || (now.writer !== seen.writer && guarded('position-writer')));
    if (isMoved) return giveUp();
    const next = (records.at(-1)?.offset ?? 0) + 1;
    const { fresh, origins } = this.#fold(seen, records);
    const after = positionAfter(seen, { records, next, topicId: this.#state.topicId }, origins, `writer${this.#random()}`);
    this.#snapshots = [...this.#snapshots.slice(-20), { position: now, rows: this.#table.length }];
    this.#table.push(...fresh);
    this.#position = { ...after, version: now.version + 1 };
    if (faults && this.#random() < 0.1) return giveUp(); // killed after it
    sink.loaded = this.#position;
    sink.at = next;
    return true;
  }

  #fold(seen: StoredPosition, records: readonly KafkaRecord[]) {
    const arrivals = records.map((record) => ({
      row: Number(record.value),
      origin: decodeOrigin(Buffer.from(originText(record))),
    }));
    const { fresh, origins } = dropRepeats(seen.origins, arrivals, seen.version + 1);
    return { origins, fresh: fresh.map(({ row }) => row) };
  }

  #recreateRaw(): void {
    this.#drain();
    this.#raw = [];
    this.#rawId += 1;
    this.#snapshots = [];
  }

  /** With rows in it that no sink has stored. */
  #recreateProcessed(): void {
    this.#log = [];
    this.#start = 0;
    this.#topic += 1;
    this.#epoch += 1;
  }

  /** An unclean leader election takes the last records away, all of them stored. */
  #cutEnd(): void {
    this.#drain();
    this.#log = this.#log.slice(0, Math.floor(this.#random() * this.#log.length));
    this.#epoch += 1;
    this.#snapshots = [];
  }

  /** Retention takes the first records away, all of them stored. */
  #retain(): void {
    this.#drain();
    const gone = Math.ceil(this.#random() * this.#log.length);
    this.#log = this.#log.slice(gone);
    this.#start += gone;
    this.#snapshots = [];
  }

  #databaseFallsBack(): void {
    const index = this.#snapshots.length - 1 - Math.floor(this.#random() * 3);
    const snapshot = this.#snapshots[index];
    if (snapshot === undefined) return;
    this.#position = snapshot.position;
    this.#table.length = snapshot.rows;
    this.#snapshots = this.#snapshots.slice(0, index);
  }

  #drain(): void {
    const processor = this.#startProcessor();
    while (processor.at < processor.raw.length) this.#stepProcessor(processor, false);
    this.#committed = { topicId: processor.topicId, topic: processor.topic, offset: processor.at };
    processor.commit = null;
    const sink: Sink = { loaded: null, epoch: -1, at: 0 };
    while (this.#stepSink(sink, false) || sink.loaded === null);
  }
}

/** https://gist.github.com/tommyettinger/46a874533244883189143505d203312c */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const steps = fc.array(fc.tuple(fc.nat(999), fc.nat(2 ** 31 - 1)), { minLength: 200, maxLength: 500, size: 'max' });
const eachRowOnce = fc.property(steps, (history) => {
  const { missing, twice } = new World().run(history);
  return missing === 0 && twice === 0;
});

test('no history of crashes, zombies, recreated topics and database fall-backs loses or doubles a row', () => {
  fc.assert(eachRowOnce, { numRuns: 300 });
});

guardTest('a history that loses or doubles a row', {
  scenario: async () => ({ isFound: fc.check(eachRowOnce, { numRuns: 300, endOnFailure: true, seed: 7 }).failed }),
  right: { isFound: false },
  without: {
    'origin-repeats': { isFound: true },
    'origin-topic-id': { isFound: true },
    'position-compare': { isFound: true },
    'position-writer': { isFound: true },
    'processed-id-in-progress': { isFound: true },
    bookmark: { isFound: true },
  },
});
