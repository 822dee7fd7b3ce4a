import { z } from 'zod';
import { duration } from './duration.ts';

const secretRef = z.strictObject({
  name: z.string().min(1).meta({ description: 'Name of the Secret, in the namespace of the Pipeline' }),
  key: z.string().min(1).optional().meta({ description: 'Key in the Secret, where only one is used' }),
});

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

/** How text is written in bytes. */
const ENCODINGS = ['utf-8', 'latin-1', 'utf-16le', 'utf-16be'] as const;

const DELIMITER = 'one character, or the word whitespace';

export const replay = z.strictObject({
  path: z
    .string()
    .min(1)
    .meta({ description: 'File, glob or http(s) URL; csv, json (array) or ndjson, also .gz; relative to the Pipeline file' }),
  format: z.enum(['csv', 'json', 'ndjson']).optional().meta({ description: 'How the file is read' }),
  delimiter: z
    .string()
    .regex(/^(.|whitespace)$/, DELIMITER)
    .optional()
    .meta({
      description: 'What stands between two values of a csv file; whitespace: spaces and tabs, however many',
      patternErrorMessage: DELIMITER,
    }),
  quote: z
    .string()
    .max(1)
    .optional()
    .meta({ description: 'Of a csv file: what stands around a value that holds the delimiter; "": nothing does' }),
  encoding: z
    .enum(ENCODINGS)
    .optional()
    .meta({ description: 'What the bytes of the text are; latin-1 is read as windows-1252, which it nearly always is' }),
  header: z.int().min(0).max(1_000).optional().meta({
    description:
      'Of a csv file: which row names the columns; those before it are passed over. 0: none does, and columns names them',
  }),
  skip: z
    .int()
    .min(0)
    .max(1_000)
    .optional()
    .meta({ description: 'Of a csv file: how many rows behind the header are no records, such as one with units' }),
  columns: z
    .array(z.string().min(1).max(1_024))
    .min(1)
    .max(2_000)
    .optional()
    .meta({ description: 'Of a csv file: names of all columns in order, in the place of those that the header has' }),
  pace: pace.optional().meta({ description: 'How fast records are sent: exactly one of the fields below' }),
  clock: z.enum(['original', 'now', 'shift']).optional().meta({
    description:
      'original: times as they are; now: each record gets the time it is sent; shift: keeps the gaps and ends at the time the run began',
  }),
  loop: z.boolean().optional().meta({ description: 'Start again at the end' }),
  limit: z.int().min(0).optional().meta({ description: 'Stop after this many records; 0: all' }),
});

export const FAULT_KINDS = ['missing', 'outOfRange', 'wrongType', 'badTime', 'notJson', 'nulByte'] as const;

export const simulator = z.strictObject({
  seed: z
    .int()
    .min(0)
    .max(2 ** 31 - 1)
    .meta({ description: 'The same seed gives the same records, for ever' }),
  devices: z.int().min(1).max(1_000_000).meta({ description: 'How many devices send, each under a key of its own' }),
  rate: z
    .number()
    .positive()
    .optional()
    .meta({ description: 'Records per second over all devices; needed where there is no step' }),
  start: z.iso.datetime({ offset: true }).optional().meta({ description: 'Time of the first record' }),
  step: duration.optional().meta({ description: 'Time between two records of one device' }),
  limit: z.int().min(0).optional().meta({ description: 'Stop after this many records; 0: never' }),
  faults: z
    .strictObject({
      every: z.int().min(1).meta({ description: 'Every n-th record is bad' }),
      kinds: z
        .array(z.enum(FAULT_KINDS))
        .min(1)
        .max(16)
        .optional()
        .meta({ description: 'What is wrong with the bad records, used in turn' }),
    })
    .optional()
    .meta({ description: 'Bad records, to see what becomes of them' }),
});

const HTTP_PATH = 'a path of letters, digits and . _ ~ -, such as /logs';

export const http = z.strictObject({
  path: z
    .string()
    .regex(/^(\/[A-Za-z0-9._~-]+){1,16}$/, HTTP_PATH)
    .optional()
    .meta({
      description: 'Path that devices POST to, beside /pipelines/<name>, which is always there',
      patternErrorMessage: HTTP_PATH,
    }),
  auth: z
    .strictObject({
      secretRef: secretRef
        .optional()
        .meta({ description: 'Secret with the bearer tokens that are let in: the one of its key, or all of its keys' }),
      open: z.literal(true).optional().meta({ description: 'Let everybody in' }),
    })
    .optional()
    .meta({ description: 'Who may send: one of secretRef and open; there is no default' }),
  maxBody: z.int().min(1).max(16_777_216).optional().meta({
    description:
      'Largest request body in bytes, unpacked; more than record.maxBytes only helps ndjson, where each line is a record',
  }),
  rate: z
    .number()
    .positive()
    .optional()
    .meta({ description: 'Requests per second and client address, above which 429 is answered' }),
});

const SHARE_GROUP = 'letters, digits and . _ ~ -, at most 64';

export const mqtt = z.strictObject({
  url: z.string().min(1).max(512).optional().meta({
    description:
      "Broker: mqtt://host:1883, or mqtts://host:8883 with TLS. Left out: the platform's own, on a laptop that of `millrace run`, in a cluster that of the value `mqtt`",
  }),
  topics: z
    .array(z.string().min(1).max(1_024))
    .min(1)
    .max(64)
    .meta({ description: 'Topic filters to subscribe to; + is any level, # at the end any number of levels' }),
  qos: z.int().min(0).max(1).optional().meta({
    description: '1: each message at least once, also those of the time when nobody listened; 0: the broker may lose messages',
  }),
  version: z.enum(['v3.1.1', 'v5']).optional().meta({ description: 'Of the protocol' }),
  clientId: z.string().min(1).max(256).optional().meta({
    description:
      'Client identifier, this Pipeline alone on the broker: under it the broker keeps what came while nobody listened',
  }),
  auth: z
    .strictObject({ secretRef: secretRef.meta({ description: 'Secret with username and password' }) })
    .optional()
    .meta({ description: 'For brokers that ask for a password' }),
  tls: z
    .strictObject({
      secretRef: secretRef.meta({ description: 'Secret with ca.crt, and for mutual TLS with tls.crt and tls.key' }),
    })
    .optional()
    .meta({ description: 'With mqtts: whom to trust, and who this is. Without it, the authorities that Node trusts' }),
  shared: z
    .string()
    .regex(/^[A-Za-z0-9._~-]{1,64}$/, SHARE_GROUP)
    .optional()
    .meta({
      description: 'Group of a shared subscription: several producers take the messages in turns',
      patternErrorMessage: SHARE_GROUP,
    }),
});

export const topic = z.strictObject({
  name: z
    .string()
    .regex(/^[a-zA-Z0-9._-]{1,249}$/, 'letters, digits, ".", "_" and "-", at most 249 long')
    .meta({
      description: 'An existing topic, taken as the raw topic',
      patternErrorMessage: 'letters, digits, ".", "_" and "-", at most 249 long',
    }),
  from: z.enum(['earliest', 'latest']).optional().meta({ description: 'Where to begin the first time' }),
});

export const SOURCE_KINDS = ['replay', 'http', 'mqtt', 'simulator', 'topic'] as const;

/** Where records come from: exactly one member. */
export const source = z
  .strictObject({
    replay: replay.optional().meta({ description: 'Files' }),
    http: http.optional().meta({ description: 'Devices that POST' }),
    mqtt: mqtt.optional().meta({ description: 'An MQTT broker' }),
    simulator: simulator.optional().meta({ description: 'Made-up records that fit the fields, their types and ranges' }),
    topic: topic.optional().meta({ description: 'A Kafka topic that others write to' }),
  })
  .refine((value) => SOURCE_KINDS.filter((kind) => value[kind] !== undefined).length === 1, {
    message: `give exactly one of ${SOURCE_KINDS.join(', ')}`,
  })
  .meta({ description: `Where records come from: exactly one of ${SOURCE_KINDS.join(', ')}` });

export type Http = z.infer<typeof http>;
export type Mqtt = z.infer<typeof mqtt>;
export type Replay = z.infer<typeof replay>;
export type Simulator = z.infer<typeof simulator>;
