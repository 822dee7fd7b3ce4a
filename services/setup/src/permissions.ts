/**
 * What the users of Kafka need, each for its own work and nothing more. e2e/secured/kafka.test.ts runs all of it on a broker
 * with an authorizer, and again without each single one.
 *
 * What others imply is not named: Read, Write and Alter include Describe, AlterConfigs includes DescribeConfigs. Senders
 * ask for a topic's settings, since they cut by its `max.message.bytes`.
 */
import type { Permission } from '@millrace/core/kafka/access.ts';
import { namesOf, type PipelineNames } from '@millrace/core/spec/names.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import { latestOf } from '@millrace/core/table/latest.ts';

export type KafkaUser = 'setup' | 'producer' | 'processor' | 'sink';
type Operations = Permission['operations'];
type Topic = 'raw' | 'processed' | 'dlq' | 'latest';
type Group = 'replayGroup' | 'processorGroup' | 'sinkGroup';

const MADE: Operations = ['Create', 'Alter', 'AlterConfigs'];
/** Where somebody else makes the topics. */
const GIVEN: Operations = ['Describe', 'DescribeConfigs'];
const SENT: Operations = ['Write', 'DescribeConfigs'];

const TOPICS: Record<KafkaUser, Partial<Record<Topic, Operations>>> = {
  setup: { raw: MADE, processed: MADE, dlq: MADE, latest: MADE },
  // Reads the ends of the raw topic after a restart, to know what it has sent.
  producer: { raw: [...SENT, 'Read'] },
  processor: { raw: ['Read'], processed: SENT, dlq: SENT },
  // Also audits: reads what was refused, and where hours begin in the raw topic.
  sink: { raw: ['Read'], processed: ['Read'], dlq: [...SENT, 'Read'], latest: SENT },
};

const GROUPS: Record<KafkaUser, Partial<Record<Group, Operations>>> = {
  setup: {},
  producer: { replayGroup: ['Read'] },
  processor: { processorGroup: ['Read'] },
  // Copies the processor's counters out of its commits.
  sink: { sinkGroup: ['Read'], processorGroup: ['Describe'] },
};

/** Transactional ids under which somebody is the one writer. */
const WRITERS: Record<KafkaUser, Partial<Record<'latest', Operations>>> = {
  setup: {},
  producer: {},
  processor: {},
  sink: { latest: ['Write'] },
};

/** For a user that serves one Pipeline: each topic and group by its name. Pure. */
export function permissionsOf(user: KafkaUser, pipeline: Pipeline): Permission[] {
  const names = namesOf(pipeline);
  // A topic of the user's own is taken as it is.
  const own = pipeline.spec.source.topic && user === 'setup' ? { ...TOPICS[user], raw: ['Describe'] as const } : TOPICS[user];
  const { latest, ...others } = own;
  const hasLatest = latestOf(pipeline).topic;
  return [
    ...named('topic', { ...others, ...(hasLatest && latest ? { latest } : {}) }, names),
    ...named('group', GROUPS[user], names),
    ...named('transactionalId', hasLatest ? WRITERS[user] : {}, names),
  ];
}

/**
 * For a user that serves all Pipelines of a namespace whose specs have no `topics.prefix` and no `source.topic`: by the beginning of their names. Pure.
 * @param topics whether set-up makes them, or waits for what somebody else makes
 */
export function permissionsInNamespace(user: KafkaUser, namespace: string, topics: 'made' | 'given' = 'made'): Permission[] {
  const all = (needs: Partial<Record<string, Operations>>): Operations => [
    ...new Set(Object.values(needs).flatMap((some) => some ?? [])),
  ];
  const begin = { name: `${namespace}.`, pattern: 'prefixed' } as const;
  return [
    { resource: 'topic' as const, ...begin, operations: user === 'setup' && topics === 'given' ? GIVEN : all(TOPICS[user]) },
    { resource: 'group' as const, ...begin, operations: all(GROUPS[user]) },
    { resource: 'transactionalId' as const, ...begin, operations: all(WRITERS[user]) },
  ].filter(({ operations }) => operations.length > 0);
}

function named(
  resource: Permission['resource'],
  needs: Partial<Record<Topic & keyof PipelineNames, Operations>> | Partial<Record<Group, Operations>>,
  names: PipelineNames,
): Permission[] {
  return Object.entries(needs).map(([part, operations]) => ({
    resource,
    name: names[part as Topic | Group],
    pattern: 'literal',
    operations,
  }));
}
