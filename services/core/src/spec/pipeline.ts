/**
 * The Pipeline resource, millrace.dev/v1alpha1: the one source from which types, validation, the reference page, the
 * editor schema and the CRD are derived (DESIGN section 2). Every field is here from the start, with its description;
 * what is not built yet is refused by name in `unbuilt.ts`. Defaults are not written into the spec: `defaults.ts` has them.
 */
import { z } from 'zod';
import { alerts, resources, scale } from './cluster.ts';
import { duration } from './duration.ts';
import { record } from './record.ts';
import { source } from './source.ts';
import { rollup, table } from './table.ts';

const DNS_NAME = 'a name: lower-case letters, digits and -, starting and ending with a letter or digit, at most 40 long';
const dnsName = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/, DNS_NAME)
  .meta({ patternErrorMessage: DNS_NAME });

const TOPIC_PREFIX = 'letters, digits, ".", "_" and "-", starting with a letter or digit, at most 120 long';

const topics = z.strictObject({
  partitions: z.int().min(1).max(1000).optional().meta({ description: 'Partitions of each topic; may grow, never shrink' }),
  retention: duration.optional().meta({ description: 'How long Kafka keeps records' }),
  replicas: z.int().min(1).max(9).optional().meta({ description: 'Brokers that hold each partition' }),
  prefix: z
    .string()
    .regex(/^[a-zA-Z0-9][a-zA-Z0-9._-]{0,119}$/, TOPIC_PREFIX)
    .optional()
    .meta({ description: 'Topics are <prefix>.raw, .processed, .dlq and .latest', patternErrorMessage: TOPIC_PREFIX }),
});

export const pipelineSpec = z.strictObject({
  source,
  topics: topics.optional().meta({ description: 'The topics between producer, processor and sink' }),
  record,
  table,
  rollups: z.array(rollup).max(16).optional().meta({ description: 'Statistics per interval, right for late data too' }),
  scale: scale.optional().meta({ description: 'Replicas of the roles; only in a cluster' }),
  alerts: alerts.optional().meta({ description: 'When Prometheus alerts; only in a cluster' }),
  resources: resources.optional().meta({ description: 'Requests and limits per role; only in a cluster' }),
  pool: dnsName.optional().meta({ description: 'Share the workloads of this pool; only in a cluster' }),
  deletionPolicy: z
    .enum(['Retain', 'Delete'])
    .optional()
    .meta({ description: 'What becomes of topics and tables when the Pipeline is deleted; only in a cluster' }),
});

const texts = z.record(z.string(), z.string());

export const pipeline = z.strictObject({
  apiVersion: z.literal('millrace.dev/v1alpha1').meta({ description: 'Version of this format' }),
  kind: z.literal('Pipeline').meta({ description: 'What it is' }),
  metadata: z
    .looseObject({
      name: dnsName.meta({ description: 'Name of the Pipeline' }),
      namespace: dnsName.optional().meta({ description: 'Part of the names of topics and groups, and the schema of the table' }),
      labels: texts.optional().meta({ description: 'As Kubernetes has them' }),
      annotations: texts.optional().meta({ description: 'As Kubernetes has them' }),
    })
    .meta({ description: 'What Kubernetes knows of every resource; further fields are let through' }),
  spec: pipelineSpec.meta({ description: 'What the Pipeline is to be' }),
  status: z.looseObject({}).optional().meta({ description: 'What the operator saw last; ignored when a file is read' }),
});

export type PipelineSpec = z.infer<typeof pipelineSpec>;
export type Pipeline = z.infer<typeof pipeline>;
