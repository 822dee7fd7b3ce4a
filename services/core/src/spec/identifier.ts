import { z } from 'zod';

/**
 * A name of a field, column, table or filter. Quoted wherever SQL is written, so any word will do; the pattern keeps
 * it usable in CEL. 59 bytes leave room for the suffixes _lat, _lon and for PostgreSQL's limit of 63.
 */
export const identifier = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]{0,58}$/, 'a name: letters, digits and _, not starting with a digit, at most 59 long');
