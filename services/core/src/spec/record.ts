import { z } from 'zod';
import { identifier } from './identifier.ts';

export const FIELD_TYPES = ['text', 'int', 'float', 'bool', 'time', 'point'] as const;

/** The format of a time: Luxon tokens (https://moment.github.io/luxon/#/parsing), or one of these words. */
export const EPOCH_FORMATS = ['iso', 'epoch_s', 'epoch_ms', 'epoch_us', 'epoch_ns'] as const;

const TIME_FORMAT = `Luxon tokens (https://moment.github.io/luxon/#/parsing), or one of ${EPOCH_FORMATS.join(', ')}`;

/** PostgreSQL takes 1,600 columns; a point is two. `checks/columns.ts` counts what is derived as well. */
const MAX_FIELDS = 700;

const paths = z.union([z.string().min(1), z.array(z.string().min(1)).min(1).max(16)]);
const unit = z.string().min(1).max(32);
const locale = z.string().min(1).max(35);
const LOCALE = 'language of the names of months and weekdays in it, a BCP 47 tag such as de or fr';
const cel = z.string().min(1).max(4096);

export const field = z.strictObject({
  type: z.enum(FIELD_TYPES).meta({
    description: 'Type of the column. point: WKT such as "POINT (-97.7 30.2)" in, columns <name>_lat and <name>_lon out',
  }),
  from: paths.optional().meta({ description: 'Path or paths in the input, such as values.x; the first that is there counts' }),
  required: z.boolean().optional().meta({ description: 'Refuse records without it' }),
  default: z
    .union([z.string(), z.number(), z.boolean()])
    .optional()
    .meta({ description: 'Value when the input has none; not for points' }),
  strip: z
    .string()
    .min(1)
    .max(16)
    .optional()
    .meta({ description: 'Characters removed from the text before it is read, such as "," in 2,060' }),
  nulls: z
    .array(z.union([z.string(), z.number()]))
    .max(16)
    .optional()
    .meta({ description: 'Values that mean "no value", such as -999' }),
  decimal: z.enum(['.', ',']).optional().meta({ description: 'Decimal mark of numbers in text' }),
  min: z.number().optional().meta({ description: 'Smallest number allowed; a record with a smaller one is refused' }),
  max: z.number().optional().meta({ description: 'Largest number allowed; a record with a larger one is refused' }),
  enum: z
    .array(z.string())
    .min(1)
    .max(256)
    .optional()
    .meta({ description: 'Allowed texts; a record with another one is refused' }),
  format: z
    .string()
    .min(1)
    .max(128)
    .optional()
    .meta({ description: `Of a time field: ${TIME_FORMAT}` }),
  zone: z.string().min(1).max(64).optional().meta({ description: 'Of a time field: IANA zone of times without an offset' }),
  locale: locale.optional().meta({ description: `Of a time field: ${LOCALE}` }),
  unit: unit.optional().meta({ description: 'Shown on dashboards and in the column comment' }),
});

export const time = z.strictObject({
  field: paths.meta({ description: 'Path or paths in the input; the first that is there counts' }),
  and: z.array(z.string().min(1)).min(1).max(7).optional().meta({
    description:
      'Further paths that the time stands in, such as that of the time of day: the texts are read as one, with a space between',
  }),
  format: z
    .union([z.string().min(1).max(128), z.array(z.string().min(1).max(128)).min(1).max(8)])
    .optional()
    .meta({
      description: `${TIME_FORMAT}. Of several, for devices that differ, the first that reads a time counts: [iso, epoch_s, epoch_ms] does, since milliseconds taken for seconds lie beyond the year 9999`,
    }),
  zone: z
    .string()
    .min(1)
    .max(64)
    .optional()
    .meta({ description: 'IANA zone of times without an offset, such as America/Chicago' }),
  locale: locale.optional().meta({ description: `Of format: ${LOCALE}` }),
  nanoseconds: z.boolean().optional().meta({
    description:
      'Keep it to the last digit as well: column "time_ns", nanoseconds since 1970 (bigint), which table.unique may name; for the years 1678 to 2261',
  }),
});

export const derived = z.strictObject({
  name: identifier.meta({ description: 'Name of the column' }),
  type: z.enum(FIELD_TYPES).exclude(['point']).meta({ description: 'Type of the column; the expression must have it' }),
  cel: cel.meta({ description: 'Expression; sees time, the fields and what was derived before it. A null input gives null' }),
  unit: unit.optional().meta({ description: 'Shown on dashboards and in the column comment' }),
});

export const filter = z.strictObject({
  name: identifier.meta({ description: 'Drops are counted under this name' }),
  cel: cel.meta({ description: 'Expression of type bool; records for which it is not true are dropped' }),
});

/** How a raw record becomes table rows. */
export const record = z
  .strictObject({
    decode: z
      .enum(['json', 'text', 'sensor-logger', 'frame'])
      .optional()
      .meta({ description: 'What the bytes are; text: one value as it is, such as 21.5, at the path value' }),
    each: z.string().min(1).max(256).optional().meta({
      description:
        'Path of an array in a record: one row for each of its elements, which stands in the place of the array (results: results.value is a value of an element); all else of the record goes with each of them',
    }),
    key: identifier.meta({ description: 'The field that names the device; one device keeps its order' }),
    time: time.meta({
      description:
        'The time of a record: column "time", which PostgreSQL keeps to the microsecond; with nanoseconds also "time_ns". For devices that tell none: { field: $received, format: epoch_ms } is when source.http or source.mqtt took it',
    }),
    maxBytes: z.int().min(1024).max(16_777_216).optional().meta({ description: 'Largest raw record in bytes' }),
    fields: z
      .record(identifier, field)
      .refine((fields) => Object.keys(fields).length <= MAX_FIELDS, {
        message: `give at most ${MAX_FIELDS} fields: PostgreSQL allows 1,600 columns in a table, and a point is two; table.extra keeps the others`,
      })
      .meta({ description: 'Columns read from the input, by name' }),
    derive: z.array(derived).max(256).optional().meta({ description: 'Columns computed from others, in order' }),
    where: z
      .array(filter)
      .max(64)
      .optional()
      .meta({ description: 'Filters, in order; the first that is not true drops the record' }),
  })
  .meta({ description: 'How a raw record becomes a row' });

export type Field = z.infer<typeof field>;
export type FieldType = Field['type'];
export type TimeRule = z.infer<typeof time>;
export type RecordRules = z.infer<typeof record>;
export type Derived = z.infer<typeof derived>;
