import { z } from 'zod';
import { duration } from './duration.ts';
import { identifier } from './identifier.ts';

export const table = z.strictObject({
  name: identifier,
  unique: z
    .strictObject({
      columns: z
        .array(identifier)
        .min(1)
        .max(16)
        .optional()
        .meta({ description: 'One row per combination; the time column must be among them' }),
      keep: z.enum(['last', 'first']).optional().meta({ description: 'By append time in the raw topic. Default: last' }),
    })
    .optional()
    .meta({ description: '{} or absent: every row is kept' }),
  chunk: duration.optional().meta({ description: 'Interval of a hypertable chunk. Default: 1d' }),
  compress: z.strictObject({ after: duration, by: identifier.optional() }).optional(),
  retain: duration.optional().meta({ description: 'Rows older than this are removed. Default: kept for ever' }),
  extra: z.boolean().optional().meta({ description: 'Keep unknown fields in the JSONB column "extra". Default: false' }),
});

export const rollup = z.strictObject({
  every: duration,
  by: z.array(identifier).max(8).optional().meta({ description: 'Default: the key' }),
  of: z.array(identifier).min(1).max(64).meta({ description: 'Numeric columns: avg, min, max, count and stddev of each' }),
  retain: duration.optional().meta({ description: 'Default: kept for ever' }),
});

export type Table = z.infer<typeof table>;
export type Rollup = z.infer<typeof rollup>;
