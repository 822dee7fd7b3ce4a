/**
 * The Pipeline resource, millrace.dev/v1alpha1: the one source from which types, validation, the reference page, the
 * editor schema and the CRD are derived (DESIGN section 2). Every field is here from the start; what is not built yet is
 * refused by name in `unbuilt.ts`. Defaults are not written into the spec: `defaults.ts` has them.
 */
import { z } from 'zod';
import { duration } from './duration.ts';
import { record } from './record.ts';
import { source } from './source.ts';
import { rollup, table } from './table.ts';

const dnsName = z
  .string()
  .regex(
    /^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/,
    'a name: lower-case letters, digits and -, starting and ending with a letter or digit, at most 40 long',
  );

const topics = z.strictObject({
  partitions: z.int().min(1).max(1000).optional().meta({ description: 'May grow, never shrink. Default: 6' }),
  retention: duration.optional().meta({ description: 'Default: 7d' }),
  replicas: z.int().min(1).max(9).optional().meta({ description: 'Default: the number of brokers, at most 3' }),
  prefix: z
    .string()
    .regex(/^[a-zA-Z0-9._-]{1,120}$/)
    .optional()
    .meta({ description: 'Instead of <namespace>.<name>' }),
});

const scale = z.strictObject({
  min: z.int().min(0).optional(),
  max: z.int().min(1).optional(),
  lagSeconds: z.int().min(1).optional(),
  replicas: z.int().min(0).optional(),
});

const alerts = z.strictObject({
  lagSeconds: z
    .strictObject({
      warn: z.number().positive().optional(),
      critical: z.number().positive().optional(),
      for: duration.optional(),
    })
    .optional(),
  silentFor: duration.optional(),
  rejectedRatio: z.number().min(0).max(1).optional(),
});

const quantity = z.strictObject({ cpu: z.string().optional(), memory: z.string().optional() });
const roleResources = z.strictObject({ requests: quantity.optional(), limits: quantity.optional() });

export const pipelineSpec = z.strictObject({
  source,
  topics: topics.optional(),
  record,
  table,
  rollups: z.array(rollup).max(16).optional(),
  scale: scale.optional(),
  alerts: alerts.optional(),
  resources: z
    .strictObject({ producer: roleResources.optional(), processor: roleResources.optional(), sink: roleResources.optional() })
    .optional(),
  pool: dnsName.optional().meta({ description: 'Share the workloads of this pool' }),
  deletionPolicy: z
    .enum(['Retain', 'Delete'])
    .optional()
    .meta({ description: 'What becomes of topics and tables. Default: Retain' }),
});

export const pipeline = z.strictObject({
  apiVersion: z.literal('millrace.dev/v1alpha1'),
  kind: z.literal('Pipeline'),
  metadata: z.looseObject({
    name: dnsName,
    namespace: dnsName.optional().meta({ description: 'Default: default' }),
    labels: z.record(z.string(), z.string()).optional(),
    annotations: z.record(z.string(), z.string()).optional(),
  }),
  spec: pipelineSpec,
});

export type PipelineSpec = z.infer<typeof pipelineSpec>;
export type Pipeline = z.infer<typeof pipeline>;
