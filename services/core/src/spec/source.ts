import { z } from 'zod';
import { duration } from './duration.ts';

const secretRef = z
  .strictObject({ name: z.string().min(1), key: z.string().min(1).optional() })
  .meta({ description: 'A Secret by name; never the secret itself' });

const pace = z
  .strictObject({
    unlimited: z.literal(true).optional().meta({ description: 'As fast as Kafka acknowledges' }),
    interval: duration.optional().meta({ description: 'One record per interval' }),
    multiplier: z
      .number()
      .positive()
      .optional()
      .meta({ description: 'The original gaps divided by this; a gap backwards counts as none' }),
  })
  .refine((value) => Object.values(value).filter((member) => member !== undefined).length === 1, {
    message: 'give exactly one of unlimited, interval, multiplier',
  });

export const replay = z.strictObject({
  path: z
    .string()
    .min(1)
    .meta({ description: 'File, glob or http(s) URL; csv, json (array) or ndjson, also .gz; relative to the Pipeline file' }),
  format: z.enum(['csv', 'json', 'ndjson']).optional().meta({ description: 'Default: from the file name' }),
  delimiter: z.string().length(1).optional().meta({ description: 'CSV only. Default: ","' }),
  pace: pace.optional().meta({ description: 'Default: unlimited' }),
  clock: z.enum(['original', 'now', 'shift']).optional().meta({
    description:
      'original: times as they are; now: each record gets the time it is sent; shift: keeps the gaps and ends at the time the run began. Default: original',
  }),
  loop: z.boolean().optional().meta({ description: 'Start again at the end. Default: false' }),
  limit: z.int().min(0).optional().meta({ description: 'Stop after this many records; 0: all. Default: 0' }),
});

export const FAULT_KINDS = ['missing', 'outOfRange', 'wrongType', 'badTime', 'notJson', 'nulByte'] as const;

export const simulator = z.strictObject({
  seed: z
    .int()
    .min(0)
    .max(2 ** 31 - 1)
    .meta({ description: 'The same seed gives the same records, for ever' }),
  devices: z.int().min(1).max(1_000_000),
  rate: z.number().positive().meta({ description: 'Records per second over all devices; 0 is not a rate' }).optional(),
  start: z.iso
    .datetime({ offset: true })
    .optional()
    .meta({ description: 'Time of the first record. Default: when the run began' }),
  step: duration.optional().meta({ description: 'Time between two records of one device. Default: devices / rate' }),
  limit: z.int().min(0).optional().meta({ description: 'Stop after this many records; 0: never. Default: 0' }),
  faults: z
    .strictObject({
      every: z.int().min(1).meta({ description: 'Every n-th record is bad' }),
      kinds: z
        .array(z.enum(FAULT_KINDS))
        .min(1)
        .max(16)
        .optional()
        .meta({ description: 'Used in turn. Default: all that fit the fields' }),
    })
    .optional(),
});

export const http = z.strictObject({
  path: z.string().startsWith('/').optional(),
  auth: z.strictObject({ secretRef: secretRef.optional(), open: z.literal(true).optional() }).optional(),
  maxBody: z.int().min(1).optional(),
  rate: z.number().positive().optional(),
});

export const mqtt = z.strictObject({
  url: z.string().min(1),
  topics: z.array(z.string().min(1)).min(1).max(64),
  qos: z.union([z.literal(0), z.literal(1), z.literal(2)]).optional(),
  clientId: z.string().min(1).optional(),
  tls: z.strictObject({ secretRef }).optional(),
  shared: z.string().min(1).optional(),
});

export const topic = z.strictObject({
  name: z.string().min(1).max(249),
  from: z.enum(['earliest', 'latest']).optional(),
});

export const SOURCE_KINDS = ['replay', 'http', 'mqtt', 'simulator', 'topic'] as const;

/** Where records come from: exactly one member. */
export const source = z
  .strictObject({
    replay: replay.optional(),
    http: http.optional(),
    mqtt: mqtt.optional(),
    simulator: simulator.optional(),
    topic: topic.optional(),
  })
  .refine((value) => SOURCE_KINDS.filter((kind) => value[kind] !== undefined).length === 1, {
    message: `give exactly one of ${SOURCE_KINDS.join(', ')}`,
  });

export type Replay = z.infer<typeof replay>;
export type Simulator = z.infer<typeof simulator>;
export type Source = z.infer<typeof source>;
