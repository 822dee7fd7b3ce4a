/**
 * The topics of a Pipeline: from what is there and what is wanted to what has to be done.
 *
 * Invariant: raw never has a partition that processed does not have (DESIGN 1.2 rule 1): processed and dlq are made and
 * grown first. Partitions never become fewer.
 */
import type { Kafka, NewTopic, TopicState } from '@millrace/core/kafka/kafka.ts';
import { DEFAULT_RETENTION, maxProcessedBytesOf, maxRecordBytesOf, partitionsOf } from '@millrace/core/spec/defaults.ts';
import { durationMs } from '@millrace/core/spec/duration.ts';
import { namesOf } from '@millrace/core/spec/names.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import { latestOf } from '@millrace/core/table/latest.ts';
import { SetupRefused } from './refused.ts';

/** Room for key, headers and framing of a raw record beyond `record.maxBytes`. */
const RAW_OVERHEAD_BYTES = 65_536;

export interface TopicFact {
  /** null: there is no such topic. */
  state: TopicState | null;
  config: Readonly<Record<string, string>>;
}

export type TopicAction =
  | { kind: 'create'; topic: NewTopic }
  | { kind: 'grow'; name: string; from: number; to: number }
  | { kind: 'configure'; name: string; config: Record<string, string>; was: Record<string, string | undefined> };

function configOf(pipeline: Pipeline, maxBytes: number): Record<string, string> {
  return {
    'cleanup.policy': 'delete',
    'message.timestamp.type': 'LogAppendTime',
    'retention.ms': String(durationMs(pipeline.spec.topics?.retention ?? DEFAULT_RETENTION)),
    'max.message.bytes': String(maxBytes),
  };
}

/**
 * Of the newest rows: the last one of each key stays for ever. A log that is written to is cleaned only behind its last hour, and
 * a deletion stays for a day, so that a consumer that is away for less than that sees it.
 */
function compacted(maxBytes: number): Record<string, string> {
  return {
    'cleanup.policy': 'compact',
    'message.timestamp.type': 'LogAppendTime',
    'segment.ms': '3600000',
    'max.compaction.lag.ms': '86400000',
    'delete.retention.ms': '86400000',
    'max.message.bytes': String(maxBytes),
  };
}

/** The topics that a Pipeline owns, in the order in which they are made; `userTopic` is the state of `source.topic`. */
export function wantedTopics(pipeline: Pipeline, userTopic: TopicState | null): NewTopic[] {
  const names = namesOf(pipeline);
  const own = pipeline.spec.source.topic === undefined;
  if (!own && userTopic === null)
    throw new SetupRefused(
      'TopicsReady',
      'TopicMissing',
      `The topic ${JSON.stringify(names.raw)} of spec.source.topic is not there. Create it, or name another`,
    );
  const partitions = userTopic === null ? partitionsOf(pipeline) : userTopic.partitions;
  const replicas = pipeline.spec.topics?.replicas;
  const topic = (name: string, maxBytes: number, config = configOf(pipeline, maxBytes)): NewTopic => ({
    name,
    partitions,
    ...(replicas === undefined ? {} : { replicas }),
    config,
  });
  const processedBytes = maxProcessedBytesOf(pipeline);
  return [
    topic(names.processed, processedBytes),
    topic(names.dlq, processedBytes),
    ...(latestOf(pipeline).topic ? [topic(names.latest, processedBytes, compacted(processedBytes))] : []),
    ...(own ? [topic(names.raw, maxRecordBytesOf(pipeline) + RAW_OVERHEAD_BYTES)] : []),
  ];
}

/** What has to be done, in order; nothing where all is as wanted. @throws SetupRefused `PartitionsFewer` */
export function planTopics(wanted: readonly NewTopic[], found: ReadonlyMap<string, TopicFact>): TopicAction[] {
  const actions: TopicAction[] = [];
  for (const topic of wanted) {
    const { state, config } = found.get(topic.name) ?? { state: null, config: {} };
    if (state === null) {
      actions.push({ kind: 'create', topic });
      continue;
    }
    if (state.partitions > topic.partitions)
      throw new SetupRefused(
        'TopicsReady',
        'PartitionsFewer',
        `The topic ${topic.name} has ${state.partitions} partitions, ${topic.partitions} are asked for; partitions can be added, never taken away. Set spec.topics.partitions to ${state.partitions} or more`,
      );
    if (state.partitions < topic.partitions)
      actions.push({ kind: 'grow', name: topic.name, from: state.partitions, to: topic.partitions });
    const drifted = Object.entries(topic.config).filter(([key, value]) => config[key] !== value);
    if (drifted.length > 0)
      actions.push({
        kind: 'configure',
        name: topic.name,
        config: Object.fromEntries(drifted),
        was: Object.fromEntries(drifted.map(([key]) => [key, config[key]])),
      });
  }
  return actions;
}

/** What is not as it is wanted, for people, where somebody else makes the topic. Pure. */
export function lackOf(action: TopicAction): string {
  switch (action.kind) {
    case 'create':
      return `the topic ${action.topic.name} is not there`;
    case 'grow':
      return `the topic ${action.name} has ${action.from} partitions, ${action.to} are wanted`;
    case 'configure':
      return `of the topic ${action.name} ${Object.entries(action.config)
        .map(([key, value]) => `${key} is ${action.was[key]}, ${value} is wanted`)
        .join(', ')}`;
  }
}

/** Asks the broker what is there. */
export async function readTopics(kafka: Kafka, wanted: readonly NewTopic[]): Promise<Map<string, TopicFact>> {
  const facts = new Map<string, TopicFact>();
  for (const { name } of wanted) {
    const state = await kafka.topic(name);
    facts.set(name, { state, config: state === null ? {} : await kafka.topicConfig(name) });
  }
  return facts;
}

/** Does one thing; returns what it did for people, or null where another did it meanwhile (and the plan must be made anew). */
export async function applyTopicAction(kafka: Kafka, action: TopicAction): Promise<string | null> {
  switch (action.kind) {
    case 'create': {
      const { name, partitions } = action.topic;
      return (await kafka.createTopic(action.topic)) === 'created' ? `created topic ${name} with ${partitions} partitions` : null;
    }
    case 'grow':
      await kafka.addPartitions(action.name, action.to);
      return `added partitions to topic ${action.name}: ${action.from} to ${action.to}`;
    case 'configure':
      await kafka.setTopicConfig(action.name, action.config);
      return `set ${Object.entries(action.config)
        .map(([key, value]) => `${key}=${value} (was ${action.was[key]})`)
        .join(', ')} on topic ${action.name}`;
  }
}
