/** What the operator says of a Pipeline; only in a cluster. Every member is left out until it is known. */
import { z } from 'zod';

const condition = z.strictObject({
  type: z.string().max(316).meta({ description: 'Such as Ready, TopicsReady, SchemaReady, WorkloadsReady, Flowing, Paused' }),
  status: z.enum(['True', 'False', 'Unknown']).meta({ description: 'Whether it holds' }),
  reason: z.string().max(1024).meta({ description: 'Why, in one word for programs' }),
  message: z.string().max(32_768).meta({ description: 'Why, for people' }),
  lastTransitionTime: z.iso.datetime({ offset: true }).meta({ description: 'Since when' }),
  observedGeneration: z.int().min(0).optional().meta({ description: 'The generation that this is about' }),
});

export const pipelineStatus = z.strictObject({
  observedGeneration: z.int().min(0).optional().meta({ description: 'The generation that was handled last' }),
  conditions: z.array(condition).max(16).optional().meta({ description: 'What holds and what does not, each type once' }),
  phase: z.string().max(64).optional().meta({ description: 'In one word, such as Running or Completed' }),
  replicas: z.int().min(0).optional().meta({ description: 'Pods of the processor' }),
  lag: z
    .strictObject({
      messages: z.int().min(0).optional().meta({ description: 'Records that are not stored yet' }),
      seconds: z.number().min(0).optional().meta({ description: 'How long the oldest of them has waited' }),
    })
    .optional()
    .meta({ description: 'How late rows come' }),
  rate: z
    .strictObject({
      in: z.number().min(0).optional().meta({ description: 'Records read' }),
      out: z.number().min(0).optional().meta({ description: 'Rows stored' }),
      rejected: z.number().min(0).optional().meta({ description: 'Records refused' }),
    })
    .optional()
    .meta({ description: 'Per second, over the last minutes' }),
  rows: z.int().min(0).optional().meta({ description: 'Rows stored since the table was made' }),
  newestRow: z.iso.datetime({ offset: true }).optional().meta({ description: 'Time of the newest row' }),
});
