/** Topics and committed offsets. Each call ends in bounded time, with an error that names the brokers. */
import type { Cluster } from './cluster.ts';
import { setConfigRequest, topicConfig } from './config.ts';
import { errorOf, KafkaError, typeOf } from './errors.ts';
import { deleteGroup, groupMembers } from './groups.ts';
import type { Bounds, Committed, Kafka, NewTopic, TopicState } from './kafka.ts';
import { bounds } from './locate.ts';
import { commitOffset } from './offsetCommit.ts';
import { offsetsAt } from './offsetsAt.ts';
import { type Patience, persist } from './retry.ts';

const WITHIN_MS = 12_000;
/** How long the controller may take to make or remove a topic. */
const CONTROLLER_MS = 8_000;
const MAX_DEFAULT_REPLICAS = 3;

export type Admin = Omit<Kafka, 'sender' | 'claim' | 'read' | 'range' | 'close'>;

export function adminOf(cluster: Cluster): Admin {
  const ask = <T>(what: string, attempt: () => Promise<T>, giveUp?: Patience['giveUp']) =>
    persist(attempt, { withinMs: WITHIN_MS, what: `${cluster.name} did not ${what}`, ...(giveUp ? { giveUp } : {}) });
  const isUnknown = (error: unknown) => typeOf(error) === 'UNKNOWN_TOPIC_OR_PARTITION';

  const topic = (name: string): Promise<TopicState | null> =>
    ask(`describe topic ${name}`, async () => {
      const [found] = (await cluster.metadata([name])).topics;
      if (!found || found.errorCode === 3) return null;
      // 5: the topic is new, and some partition has no leader yet
      const error = found.errorCode === 5 ? null : errorOf(found.errorCode);
      if (error) throw error;
      return { id: found.id, partitions: found.partitions.length };
    });

  /** A change is done when all brokers that answer know it; one look at each in turn is near enough, and a retry mends the rest. */
  const until = (what: string, isDone: (state: TopicState | null, haveLeaders: boolean) => boolean, name: string) =>
    ask(what, async () => {
      const [found] = (await cluster.metadata([name])).topics;
      const state = !found || found.errorCode === 3 ? null : { id: found.id, partitions: found.partitions.length };
      if (!isDone(state, found?.partitions.every(({ leader }) => leader >= 0) ?? false))
        throw new KafkaError('not all brokers know it yet', { retriable: true });
    });

  return {
    topic,
    bounds: (name): Promise<Bounds[]> => ask(`tell the offsets of topic ${name}`, () => bounds(cluster, name), isUnknown),

    offsetsAt: (name, timestampMs): Promise<(number | null)[]> =>
      ask(`tell where a time begins in topic ${name}`, () => offsetsAt(cluster, name, timestampMs), isUnknown),

    async createTopic({ name, partitions, replicas, config }: NewTopic) {
      const outcome = await ask(`create topic ${name}`, async () => {
        const nodes = (await cluster.metadata([])).nodes.length;
        const request = {
          topic: name,
          numPartitions: partitions,
          replicationFactor: replicas ?? Math.min(MAX_DEFAULT_REPLICAS, nodes),
          configEntries: Object.entries(config).map(([key, value]) => ({ name: key, value })),
        };
        try {
          await cluster.onController((link) => link.broker.createTopics({ topics: [request], timeout: CONTROLLER_MS }));
          return 'created' as const;
        } catch (error) {
          const [first] =
            error instanceof AggregateError || (error instanceof Error && 'errors' in error)
              ? (error.errors as unknown[])
              : [error];
          if (typeOf(first) === 'TOPIC_ALREADY_EXISTS') return 'exists' as const;
          throw first;
        }
      });
      await until(`show topic ${name} after it was created`, (state, haveLeaders) => state !== null && haveLeaders, name);
      return outcome;
    },

    async addPartitions(name, count) {
      await ask(`add partitions to topic ${name}`, () =>
        cluster.onController((link) =>
          link.broker.createPartitions({ topicPartitions: [{ topic: name, count }], timeout: CONTROLLER_MS }),
        ),
      );
      await until(
        `show ${count} partitions of topic ${name} after they were added`,
        (state, haveLeaders) => (state?.partitions ?? 0) >= count && haveLeaders,
        name,
      );
    },

    topicConfig: (name) => ask(`tell the settings of topic ${name}`, () => topicConfig(cluster, name), isUnknown),
    async setTopicConfig(name, config) {
      await ask(`set ${Object.keys(config).join(', ')} of topic ${name}`, () =>
        cluster.onController((link) => link.send(setConfigRequest(name, config))),
      );
    },

    async deleteTopic(name) {
      await ask(
        `delete topic ${name}`,
        () => cluster.onController((link) => link.broker.deleteTopics({ topics: [name], timeout: CONTROLLER_MS })),
        isUnknown,
      );
      await until(`forget topic ${name} after it was deleted`, (state) => state === null, name);
    },

    committed: (group, name) =>
      ask(`tell the offsets of group ${group}`, async () => {
        const state = await topic(name);
        if (state === null) return new Map<number, Committed>();
        const partitions = Array.from({ length: state.partitions }, (_, partition) => ({ partition }));
        const { responses } = await cluster.onCoordinator(group, (link) =>
          link.broker.offsetFetch({ groupId: group, topics: [{ topic: name, partitions }] }),
        );
        return new Map(
          responses
            .flatMap((response) => response.partitions)
            .filter(({ offset }) => Number(offset) >= 0)
            .map(({ partition, offset, metadata }) => [partition, { offset: Number(offset), metadata: metadata ?? '' }]),
        );
      }),

    groupMembers: (group) => groupMembers(cluster, group),
    deleteGroup: (group) => deleteGroup(cluster, group),

    async commit(group, name, partition, committed) {
      const of = { group, generation: -1, memberId: '', topic: name, partition };
      await ask(`take offset ${committed.offset} of ${name}/${partition} for group ${group}`, () =>
        commitOffset(cluster, of, committed),
      );
    },
  };
}
