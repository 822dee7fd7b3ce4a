/**
 * What each user of Kafka may do: only with topics and groups of the Pipelines of this namespace, whose names begin with
 * it (`namesOf`); the administrator may do everything.
 */
import type { BootstrapPlan } from '@millrace/bootstrap/plan.ts';
import type { KafkaUser } from './names.ts';

type Permission = NonNullable<BootstrapPlan['kafka']>['users'][number]['permissions'][number];

const TOPICS: Record<Exclude<KafkaUser, 'admin'>, Permission['operations']> = {
  setup: ['Create', 'Alter', 'Describe', 'DescribeConfigs', 'AlterConfigs'],
  // Reads the end of the raw topic, too: to know after a restart what it has sent.
  producer: ['Read', 'Write', 'Describe', 'DescribeConfigs'],
  processor: ['Read', 'Write', 'Describe', 'DescribeConfigs'],
  sink: ['Read', 'Write', 'Describe', 'DescribeConfigs'],
};

const GROUPS: Permission['operations'] = ['Read', 'Describe'];

export function permissionsOf(user: Exclude<KafkaUser, 'admin'>, namespace: string): Permission[] {
  const prefix = `${namespace}.`;
  return [
    { resource: 'topic', name: prefix, pattern: 'prefixed', operations: TOPICS[user] },
    ...(user === 'setup' ? [] : [{ resource: 'group' as const, name: prefix, pattern: 'prefixed' as const, operations: GROUPS }]),
    // Commands ask for this topic to see whether Kafka answers; it is never made.
    { resource: 'topic', name: 'millrace.any', pattern: 'literal', operations: ['Describe'] },
  ];
}
