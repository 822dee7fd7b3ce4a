import { z } from 'zod';
import { duration } from './duration.ts';
import { identifier } from './identifier.ts';

export const table = z
  .strictObject({
    name: identifier.meta({ description: 'Table, in the schema named after the namespace; never changes' }),
    unique: z
      .strictObject({
        columns: z
          .array(identifier)
          .min(1)
          .max(16)
          .optional()
          .meta({ description: 'One row per combination; the time column must be among them' }),
        keep: z.enum(['last', 'first']).optional().meta({ description: 'Which row stays, by append time in the raw topic' }),
      })
      .optional()
      .meta({ description: 'Merges repeats and late corrections; {} or absent: every row is kept' }),
    latest: z
      .strictObject({
        by: z
          .array(identifier)
          .min(1)
          .max(8)
          .optional()
          .meta({ description: 'One row per combination; the key must be among them' }),
        of: z
          .array(identifier)
          .min(1)
          .max(64)
          .optional()
          .meta({ description: 'Rows that have none of these do not count: what is known is not overwritten by nothing' }),
        topic: z
          .boolean()
          .optional()
          .meta({ description: 'Keep the compacted topic <prefix>.latest equal to it, for other consumers' }),
      })
      .optional()
      .meta({ description: 'What the table <name>_latest keeps: the newest row, by the time of the rows' }),
    chunk: duration.optional().meta({ description: 'Interval of a hypertable chunk; needs TimescaleDB to have an effect' }),
    compress: z
      .strictObject({
        after: duration.meta({ description: 'Age from which a chunk is compressed' }),
        by: identifier.optional().meta({ description: 'Column by which compressed rows are grouped' }),
      })
      .optional()
      .meta({ description: 'Compression of old chunks; needs TimescaleDB to have an effect' }),
    retain: duration.optional().meta({ description: 'Rows older than this are removed' }),
    extra: z
      .boolean()
      .optional()
      .meta({ description: 'Keep unknown fields in the JSONB column "extra"; otherwise they are counted' }),
  })
  .meta({ description: 'Where rows are stored. Columns: time, the fields, what is derived, extra' });

export const rollup = z.strictObject({
  every: duration.meta({ description: 'Interval of a bucket; the roll-up is named <table>_<every>' }),
  by: z.array(identifier).max(8).optional().meta({ description: 'Columns that make a row of its own in each bucket' }),
  of: z.array(identifier).min(1).max(64).meta({ description: 'Numeric columns: avg, min, max, count and stddev of each' }),
  retain: duration.optional().meta({ description: 'Buckets older than this are removed' }),
});

export type Rollup = z.infer<typeof rollup>;
