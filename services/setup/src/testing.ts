/** What the tests of this package share: a Pipeline, a broker in memory, a log that keeps its lines. */
import type { Kafka, NewTopic } from '@millrace/core/kafka/kafka.ts';
import type { Pipeline, PipelineSpec } from '@millrace/core/spec/pipeline.ts';
import pino, { type Logger } from 'pino';

/** A Pipeline with keywords as names, a roll-up and retention. */
export function testPipeline(name: string, change: Partial<PipelineSpec> = {}): Pipeline {
  return {
    apiVersion: 'millrace.dev/v1alpha1',
    kind: 'Pipeline',
    metadata: { name },
    spec: {
      source: { simulator: { seed: 1, devices: 3 } },
      topics: { partitions: 2 },
      record: {
        key: 'order',
        time: { field: 't' },
        fields: {
          order: { type: 'text', required: true },
          select: { type: 'float', unit: 'km/h' },
          group: { type: 'text' },
          n: { type: 'int' },
        },
      },
      table: { name: name.replaceAll('-', '_'), retain: '30d', compress: { after: '7d' } },
      rollups: [{ every: '1h', by: ['group'], of: ['select', 'n'] }],
      ...change,
    },
  };
}

/** The part of Kafka that set-up uses, in memory. `log` has a line per change. */
export function memoryKafka(): { kafka: Kafka; topics: Map<string, NewTopic>; log: string[] } {
  const topics = new Map<string, NewTopic>();
  const log: string[] = [];
  const there = (name: string): NewTopic => {
    const topic = topics.get(name);
    if (topic === undefined) throw new Error(`no topic ${name}`);
    return topic;
  };
  const kafka: Pick<Kafka, 'topic' | 'topicConfig' | 'createTopic' | 'addPartitions' | 'setTopicConfig'> = {
    topic: async (name) => {
      const topic = topics.get(name);
      return topic === undefined ? null : { id: `id-${name}`, partitions: topic.partitions };
    },
    topicConfig: async (name) => ({ 'segment.bytes': '1073741824', ...there(name).config }),
    createTopic: async (topic) => {
      if (topics.has(topic.name)) return 'exists';
      topics.set(topic.name, { ...topic, config: { ...topic.config } });
      log.push(`create ${topic.name} ${topic.partitions}`);
      return 'created';
    },
    addPartitions: async (name, count) => {
      there(name).partitions = count;
      log.push(`grow ${name} ${count}`);
    },
    setTopicConfig: async (name, config) => {
      Object.assign(there(name).config, config);
      log.push(`configure ${name} ${Object.keys(config).join()}`);
    },
  };
  return { kafka: kafka as Kafka, topics, log };
}

/** A logger that keeps the messages of its lines. */
export function memoryLog(): { log: Logger; lines: string[] } {
  const lines: string[] = [];
  const log = pino({ level: 'debug' }, { write: (line: string) => lines.push(String(JSON.parse(line).msg)) });
  return { log, lines };
}
