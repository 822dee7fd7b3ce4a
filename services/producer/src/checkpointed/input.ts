/** What replay and simulator have in common: records in a fixed order, any of which can be found again. */
import type { Checkpoint } from '@millrace/core/record/checkpoint.ts';
import type { Unreadable } from '@millrace/core/record/raw.ts';

/** Where in the input a record starts (`core/record/checkpoint.ts`). */
export type Place = Pick<Checkpoint, 'loop' | 'file' | 'byte' | 'crc'>;

export interface InputRecord {
  /** Where the next record starts. */
  next: Place;
  /** To wait before it, ms. */
  gapMs: number;
  /** Makes the record when its turn has come. */
  make(nowMs: number): MadeRecord;
}

export interface MadeRecord {
  key: Buffer;
  /** Its bytes, or the beginning of them where it is too large. */
  value: Buffer;
  /** Why it could not be read, or that it is too large: it is sent all the same, to be refused. */
  unreadable?: Unreadable;
}

export interface Input {
  kind: 'replay' | 'simulator';
  /** Hash of the settings that records depend on. */
  settings: string;
  /** Hash of what is read; null where nothing tells whether it is still the same. */
  identity: string | null;
  /** Called for a new run. Its answer is kept in the checkpoint. */
  begin(nowMs: number): Promise<Pick<Checkpoint, 'shift'>>;
  /** Whether everything before the checkpoint's place is what it was, though the identity is another one. */
  continues(checkpoint: Checkpoint): Promise<boolean>;
  /** Records from the checkpoint on, a chunk at a time, until the input ends. @throws InputError */
  records(from: Checkpoint): AsyncIterable<readonly InputRecord[]>;
}
