import { z } from 'zod';

const ALLOWED = 'a name: letters, digits and _, not starting with a digit or with __, at most 59 long';

/**
 * A name of a field, column, table or filter. Quoted wherever SQL is written, so any word will do; the pattern keeps
 * it usable in CEL and away from JavaScript's `__proto__`. 59 bytes leave room for the suffixes _lat, _lon and for
 * PostgreSQL's limit of 63.
 */
export const identifier = z
  .string()
  .regex(/^([A-Za-z]|_[A-Za-z0-9])[A-Za-z0-9_]{0,57}$/, ALLOWED)
  .max(59, ALLOWED)
  .meta({ title: 'name', patternErrorMessage: ALLOWED });
