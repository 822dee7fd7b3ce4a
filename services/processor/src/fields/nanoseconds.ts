/** Column `time_ns`: the time of a row in whole nanoseconds since 1970, as exact as it came. */
import { narrow } from '@millrace/core/record/number.ts';
import { isoToEpochNs } from '@millrace/core/record/time.ts';
import { TIME_COLUMN, TIME_NS_COLUMN } from '@millrace/core/table/columns.ts';
import { FieldError } from './error.ts';
import type { FieldReader } from './field.ts';

/** What PostgreSQL's bigint holds. */
const LEAST = -(2n ** 63n);
const MOST = 2n ** 63n - 1n;

/** Runs behind the reader of the time. @throws FieldError for a time that no bigint of nanoseconds holds */
export const readNanoseconds: FieldReader = (_object, row) => {
  const time = String(row[TIME_COLUMN]);
  const epochNs = isoToEpochNs(time);
  if (epochNs < LEAST || epochNs > MOST)
    throw new FieldError('range', `time is ${time}; allowed with record.time.nanoseconds are the years 1678 to 2261`);
  row[TIME_NS_COLUMN] = narrow(epochNs);
};
