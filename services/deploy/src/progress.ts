/** How far a Pipeline is, asked in its sink's pod, which reaches Kafka and the database wherever they are. */
import { z } from 'zod';
import type { Kubectl } from './kubectl.ts';

const sample = z.object({
  table: z.string(),
  totals: z.object({
    read: z.number(),
    stored: z.number(),
    refused: z.number(),
    dropped: z.number(),
    lost: z.number(),
    lagMessages: z.number(),
  }),
  /** What has to happen until all that arrived is stored; null: nothing. */
  unfinished: z.string().nullable(),
});

export type Progress = z.infer<typeof sample>;

/** `node` of the image, with what its arguments would be; the entry point is the same. */
const STATUS = ['node', '/app/millrace.js', 'status', '--json', '/etc/millrace/pipeline/pipeline.yaml'];

/** @throws CommandFailed while the pod, Kafka or the database do not answer */
export async function progressOf(kubectl: Kubectl, pipeline: string): Promise<Progress> {
  const text = await kubectl.run('exec', `deploy/${pipeline}-sink`, '--', ...STATUS);
  const [first] = z.array(sample).parse(JSON.parse(text));
  if (!first) throw new Error(`the sink of ${pipeline} knows no Pipeline`);
  return first;
}

/** In a line. */
export function progressText({ table, totals: { read, stored, refused, dropped, lost, lagMessages } }: Progress): string {
  const count = (value: number): string => value.toLocaleString('en-US');
  const rest = Object.entries({ refused, dropped, LOST: lost }).filter(([, value]) => value > 0);
  return [
    `${count(read)} read, ${count(stored)} stored in ${table}`,
    ...rest.map(([name, value]) => `${count(value)} ${name}`),
    `lag ${count(lagMessages)} messages`,
  ].join(', ');
}
