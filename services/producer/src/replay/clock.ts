/** Reads and moves the time of a record that is replayed. A time that is missing or unreadable stays what it is. */
import { RawNumber } from '@millrace/core/record/json.ts';
import { numberText } from '@millrace/core/record/number.ts';
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
  const { and } = rule;
  /** Where the time stands in this record, and what stands there. */
  const placesIn = (record: unknown): { path: string; value: unknown }[] | null => {
    const path = pathIn(record);
    if (path === undefined) return null;
    const places = [path, ...(and ?? [])].map((place) => ({ path: place, value: readPath(record, place) }));
    return and !== undefined && places.some(({ value }) => (numberText(value) ?? '') === '') ? null : places;
  };
  return {
    read(record) {
      const places = placesIn(record);
      if (places === null) return null;
      try {
        const [only] = places;
        const whole = only && places.length === 1 ? only.value : places.map(({ value }) => numberText(value)).join(' ');
        return isoToEpochNs(time.parse(whole));
      } catch (error) {
        if (error instanceof TimeError) return null; // the processor refuses the record, with this reason
        throw error;
      }
    },
    write(record, epochNs) {
      const places = placesIn(record);
      if (places === null) return;
      const texts = places.length === 1 ? [time.format(epochNs)] : spread(time.format(epochNs), places);
      for (const [at, text] of (texts ?? []).entries()) {
        const { path, value } = places[at] as (typeof places)[number];
        const isText = typeof value === 'string';
        writePath(record as Record<string, unknown>, path, isText ? text : new RawNumber(text));
      }
    },
  };
}

/** A time that stands in several places: each gets as many words of its text as it had; null where they do not come out even. */
function spread(text: string, places: readonly { value: unknown }[]): string[] | null {
  const words = text.replace(/^(\d{4}-\d\d-\d\d)T/, '$1 ').split(' ');
  const counts = places.map(({ value }) => (numberText(value) ?? '').trim().split(' ').length);
  if (counts.reduce((sum, count) => sum + count, 0) !== words.length) return null;
  return counts.map((count) => words.splice(0, count).join(' '));
}
