/** Reads and moves the time of a record that is replayed. A time that is missing or unreadable stays what it is. */
import { RawNumber } from '@millrace/core/record/json.ts';
import { readPath } from '@millrace/core/record/path.ts';
import { compileTime, isoToEpochNs, TimeError } from '@millrace/core/record/time.ts';
import type { TimeRule } from '@millrace/core/spec/record.ts';
import { pathsOf } from '../send/key.ts';
import { writePath } from '../send/writePath.ts';

export const MS_NS = 1_000_000n;

export interface Clock {
  /** Epoch nanoseconds of the record, null where there is no readable time. */
  read(record: unknown): bigint | null;
  /** Puts another time in the place of the one that is there, in the same format; a number stays a number. */
  write(record: unknown, epochNs: bigint): void;
}

/** The clock of records with this time rule. @throws TimeError where format or zone cannot work */
export function clockOf(rule: TimeRule): Clock {
  const time = compileTime(rule);
  const paths = pathsOf('', rule.field);
  const pathIn = (record: unknown): string | undefined => paths.find((path) => readPath(record, path) !== undefined);
  return {
    read(record) {
      const path = pathIn(record);
      if (path === undefined) return null;
      try {
        return isoToEpochNs(time.parse(readPath(record, path)));
      } catch (error) {
        if (error instanceof TimeError) return null; // the processor refuses the record, with this reason
        throw error;
      }
    },
    write(record, epochNs) {
      const path = pathIn(record);
      if (path === undefined) return;
      const text = time.format(epochNs);
      const isText = typeof readPath(record, path) === 'string';
      writePath(record as Record<string, unknown>, path, isText ? text : new RawNumber(text));
    },
  };
}
