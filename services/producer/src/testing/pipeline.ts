/** For tests: a small Pipeline, its topics, and what stands in them. */
import type { Kafka, KafkaRecord } from '@millrace/core/kafka/kafka.ts';
import { decodeReplayPosition, REPLAY_POSITION_HEADER } from '@millrace/core/record/raw.ts';
import type { Worker } from '@millrace/core/role/role.ts';
import { namesOf } from '@millrace/core/spec/names.ts';
import { type Pipeline, pipeline as schema } from '@millrace/core/spec/pipeline.ts';

/** A Pipeline over the given source; its records are like `{"device":"a","at":"2026-01-01T00:00:00Z"}`. */
export function pipelineOf(name: string, source: object, { record = {}, table = {}, partitions = 3 } = {}): Pipeline {
  return schema.parse({
    apiVersion: 'millrace.dev/v1alpha1',
    kind: 'Pipeline',
    metadata: { name },
    spec: {
      source,
      topics: { partitions },
      record: { key: 'device', time: { field: 'at' }, fields: { device: { type: 'text' }, value: { type: 'float' } }, ...record },
      table: { name: 'readings', ...table },
    },
  });
}

export async function createTopic(kafka: Kafka, pipeline: Pipeline): Promise<void> {
  await kafka.createTopic({
    name: namesOf(pipeline).raw,
    partitions: pipeline.spec.topics?.partitions ?? 1,
    config: { 'max.message.bytes': '1200000' },
  });
}

/** All records of a topic, by partition. */
export async function recordsOf(kafka: Kafka, topic: string): Promise<KafkaRecord[][]> {
  const bounds = await kafka.bounds(topic);
  return Promise.all(bounds.map(({ start, end }, partition) => Array.fromAsync(kafka.range(topic, partition, start, end))));
}

/** Ordinals of the run's records, by partition in log order. */
export function ordinalsOf(logs: readonly KafkaRecord[][]): number[][] {
  return logs.map((records) =>
    records.map(({ headers }) => decodeReplayPosition(headers[REPLAY_POSITION_HEADER]?.toString())?.ordinal ?? -1),
  );
}

/** Values in the order of their ordinals. */
export function valuesInOrder(logs: readonly KafkaRecord[][]): string[] {
  const ordinals = ordinalsOf(logs).flat();
  const values = logs.flat().map(({ value }) => value?.toString() ?? '');
  return values
    .map((value, at) => ({ value, ordinal: ordinals[at] as number }))
    .sort((a, b) => a.ordinal - b.ordinal)
    .map(({ value }) => value);
}

/** Resolves with the first value that is not null. */
export async function until<T>(condition: () => T | null | Promise<T | null>, withinMs = 30_000): Promise<T> {
  const endMs = performance.now() + withinMs;
  for (;;) {
    const value = await condition();
    if (value !== null) return value;
    if (performance.now() > endMs) throw new Error(`not so after ${withinMs} ms: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** The worker's state, once it starts with `state`. */
export async function untilState(worker: Worker, state: string, withinMs = 30_000): Promise<string> {
  const now = (): string => worker.health().state;
  return until(() => (now().startsWith(state) ? now() : null), withinMs).catch(() => {
    throw new Error(`the state is ${JSON.stringify(now())} and not ${state} after ${withinMs} ms`);
  });
}
