/**
 * What was taken and Kafka has not acknowledged, in the order in which it was taken, and who waits for it. Does no I/O.
 *
 * Invariant: of what is taken together is told once, if at all: `acknowledged` after the last of its records was, or `rejected`, after
 * which nothing of it is held.
 */
import type { OutRecord } from '@millrace/core/kafka/kafka.ts';
import type { KeyedRecord } from '../send/key.ts';

/** Who waits for records. */
export interface Told {
  /** Kafka acknowledged all of them. */
  acknowledged(): void;
  /**
   * Kafka did not, though some may be in its log all the same: who sent them sends them again. null: nobody does, so that they are held
   * until Kafka has them.
   */
  rejected: ((why: string) => void) | null;
}

interface Group {
  told: Told;
  left: number;
}

export class Held {
  readonly #groups = new Map<KeyedRecord, Group>();

  get size(): number {
    return this.#groups.size;
  }

  /** In order. */
  get records(): Iterable<KeyedRecord> {
    return this.#groups.keys();
  }

  /** @param records at least one */
  add(records: readonly KeyedRecord[], told: Told): void {
    const group = { told, left: records.length };
    for (const record of records) this.#groups.set(record, group);
  }

  /** Of records that are not held any more nobody is told. */
  acknowledge(records: readonly OutRecord[]): void {
    for (const record of records) {
      const group = this.#groups.get(record as KeyedRecord);
      if (!group) continue;
      this.#groups.delete(record as KeyedRecord);
      if (--group.left === 0) group.told.acknowledged();
    }
  }

  /** Tells everybody who can be told, and holds their records no more. */
  reject(why: string): void {
    const groups = new Set<Group>();
    for (const [record, group] of this.#groups) {
      if (group.told.rejected === null) continue;
      groups.add(group);
      this.#groups.delete(record);
    }
    for (const { told } of groups) told.rejected?.(why);
  }
}
