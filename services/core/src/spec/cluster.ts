/** What only matters in a cluster: scaling, alerts, resources. */
import { z } from 'zod';
import { MOST_PRODUCERS } from './defaults.ts';
import { duration } from './duration.ts';

export const scale = z.strictObject({
  min: z.int().min(0).optional().meta({ description: 'Fewest replicas of processor and sink' }),
  max: z.int().min(1).optional().meta({ description: 'Most of them, at most the number of partitions' }),
  lagSeconds: z.int().min(1).optional().meta({ description: 'Lag that scaling aims to stay under' }),
  replicas: z.int().min(0).optional().meta({ description: 'A fixed number of them; switches scaling by lag off' }),
  producers: z
    .int()
    .min(1)
    .max(MOST_PRODUCERS)
    .optional()
    .meta({ description: 'Replicas of the producer, of source.http, and of source.mqtt with shared' }),
});

export const alerts = z.strictObject({
  lagSeconds: z
    .strictObject({
      warn: z.number().positive().optional().meta({ description: 'Seconds from which the alert is a warning' }),
      critical: z.number().positive().optional().meta({ description: 'Seconds from which it is critical' }),
      for: duration.optional().meta({ description: 'How long the lag must last' }),
    })
    .optional()
    .meta({ description: 'Rows come late' }),
  silentFor: duration.optional().meta({ description: 'No record came for so long' }),
  rejectedRatio: z.number().min(0).max(1).optional().meta({ description: 'Share of records in the DLQ, from 0 to 1' }),
});

const QUANTITY = 'a quantity of Kubernetes, such as 250m or 128Mi';
const quantity = z
  .string()
  .regex(/^[0-9]+(\.[0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$/, QUANTITY)
  .meta({ patternErrorMessage: QUANTITY });

const amounts = z.strictObject({
  cpu: quantity.optional().meta({ description: 'Processors' }),
  memory: quantity.optional().meta({ description: 'Memory' }),
});

const roleResources = z.strictObject({
  requests: amounts.optional().meta({ description: 'What is reserved' }),
  limits: amounts.optional().meta({ description: 'What is allowed at most' }),
});

export const resources = z.strictObject({
  producer: roleResources.optional().meta({ description: 'Of the producer' }),
  processor: roleResources.optional().meta({ description: 'Of the processor' }),
  sink: roleResources.optional().meta({ description: 'Of the sink' }),
});
