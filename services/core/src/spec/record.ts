import { z } from 'zod';
import { identifier } from './identifier.ts';

export const FIELD_TYPES = ['text', 'int', 'float', 'bool', 'time', 'point'] as const;

/** The format of a time: Luxon tokens (https://moment.github.io/luxon/#/parsing), or one of these words. */
export const EPOCH_FORMATS = ['iso', 'epoch_s', 'epoch_ms', 'epoch_us', 'epoch_ns'] as const;

const paths = z.union([z.string().min(1), z.array(z.string().min(1)).min(1).max(16)]);

export const field = z.strictObject({
  type: z.enum(FIELD_TYPES),
  from: paths
    .optional()
    .meta({ description: 'Path or paths in the input; the first that is there counts. Default: the name of the field' }),
  required: z.boolean().optional().meta({ description: 'Refuse records without it. Default: false' }),
  default: z.union([z.string(), z.number(), z.boolean()]).optional().meta({ description: 'Value when the input has none' }),
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
  decimal: z.enum(['.', ',']).optional().meta({ description: 'Decimal mark of numbers in text. Default: "."' }),
  min: z.number().optional(),
  max: z.number().optional(),
  enum: z.array(z.string()).min(1).max(256).optional().meta({ description: 'Allowed texts' }),
  format: z.string().min(1).optional().meta({ description: 'Of a time field: as record.time.format' }),
  zone: z.string().min(1).optional().meta({ description: 'Of a time field: as record.time.zone' }),
  unit: z.string().min(1).max(32).optional().meta({ description: 'Shown on dashboards and in the column comment' }),
});

export const time = z.strictObject({
  field: paths.meta({ description: 'Path or paths in the input' }),
  format: z
    .string()
    .min(1)
    .optional()
    .meta({ description: `Luxon tokens, or one of ${EPOCH_FORMATS.join(', ')}. Default: iso` }),
  zone: z.string().min(1).optional().meta({ description: 'IANA zone of times without an offset. Default: UTC' }),
});

export const derived = z.strictObject({
  name: identifier,
  type: z.enum(FIELD_TYPES).exclude(['point']),
  cel: z.string().min(1).max(4096),
  unit: z.string().min(1).max(32).optional(),
});

export const filter = z.strictObject({
  name: identifier.meta({ description: 'Drops are counted under this name' }),
  cel: z.string().min(1).max(4096).meta({ description: 'Records for which this is not true are dropped' }),
});

/** How a raw record becomes table rows. */
export const record = z.strictObject({
  decode: z.enum(['json', 'sensor-logger', 'frame']).optional().meta({ description: 'Default: json' }),
  key: identifier.meta({ description: 'The field that names the device; one device keeps its order' }),
  time,
  maxBytes: z.int().min(1024).max(16_777_216).optional().meta({ description: 'Largest raw record. Default: 1048576' }),
  fields: z.record(identifier, field),
  derive: z.array(derived).max(256).optional(),
  where: z.array(filter).max(64).optional(),
});

export type Field = z.infer<typeof field>;
export type FieldType = Field['type'];
export type TimeRule = z.infer<typeof time>;
export type RecordRules = z.infer<typeof record>;
export type Derived = z.infer<typeof derived>;
export type Filter = z.infer<typeof filter>;
