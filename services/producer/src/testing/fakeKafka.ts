/**
 * Kafka in memory, for models of the sending engine only: logs per partition, committed offsets, and faults that a test
 * chooses. What a real broker does is tested in `sources/replayResumed.test.ts`.
 */
import type { Committed, Kafka, KafkaRecord, OutRecord } from '@millrace/core/kafka/kafka.ts';

interface Topic {
  id: string;
  logs: KafkaRecord[][];
}

/** What becomes of a send: taken; taken, but the answer is lost; lost; or the process dies before or after it was taken. */
export type Fate = 'taken' | 'unanswered' | 'rejected' | 'killed' | 'taken, killed';

export class FakeBroker {
  readonly topics = new Map<string, Topic>();
  readonly offsets = new Map<string, Committed>();

  create(name: string, partitions: number): void {
    const id = `${name}-${this.topics.get(name)?.id.length ?? 0}x`;
    this.topics.set(name, { id, logs: Array.from({ length: partitions }, () => []) });
  }

  grow(name: string, partitions: number): void {
    const { logs } = this.topic(name);
    while (logs.length < partitions) logs.push([]);
  }

  topic(name: string): Topic {
    const topic = this.topics.get(name);
    if (!topic) throw new Error(`no topic ${name}`);
    return topic;
  }

  /** A client of one process; `fate` decides about each send. After a kill nothing of this process has an effect. */
  client(fate: () => Fate): { kafka: Kafka; killed: Promise<void>; kill(): void } {
    const killed = Promise.withResolvers<void>();
    const inFlight = new Set<string>();
    let dead = false;
    const kill = (): void => {
      dead = true;
      killed.resolve();
    };
    const alive = (): void => {
      if (dead) throw new Error('this process is dead');
    };
    const unused = (): never => {
      throw new Error('not part of this model');
    };
    const append = (name: string, partition: number, records: readonly OutRecord[]): number => {
      const log = this.topic(name).logs[partition];
      if (!log) throw new Error(`no partition ${partition}`);
      const base = log.length;
      for (const { key, value, headers } of records) {
        const buffers = Object.fromEntries(Object.entries(headers).map(([header, text]) => [header, Buffer.from(text)]));
        log.push({ offset: log.length, timestampMs: 0, key, value, headers: buffers });
      }
      return base;
    };
    const kafka: Kafka = {
      topic: async (name) => {
        alive();
        const topic = this.topics.get(name);
        return topic ? { id: topic.id, partitions: topic.logs.length } : null;
      },
      bounds: async (name) => this.topic(name).logs.map((log) => ({ start: 0, end: log.length })),
      committed: async (group) => {
        alive();
        const committed = this.offsets.get(group);
        return new Map(committed ? [[0, committed]] : []);
      },
      commit: async (group, _topic, _partition, committed) => {
        alive();
        this.offsets.set(group, committed);
      },
      sender: () => ({
        send: async (name, partition, records) => {
          alive();
          const place = `${name}/${partition}`;
          if (inFlight.has(place)) throw new Error(`second send to ${place} while one is in flight: the order would be lost`);
          inFlight.add(place);
          const what = fate();
          // Sends to several partitions end one after another, as their leaders answer.
          for (let turns = 0; turns <= partition; turns++) await new Promise((resolve) => setImmediate(resolve));
          inFlight.delete(place);
          alive();
          const baseOffset = what === 'rejected' || what === 'killed' ? -1 : append(name, partition, records);
          if (what.endsWith('killed')) kill();
          alive();
          if (what !== 'taken') throw new Error(`send ${what}`);
          return { baseOffset };
        },
        close: async () => undefined,
      }),
      range: async function* (this: Kafka, name: string, partition: number, from: number, to: number) {
        yield* broker.topic(name).logs[partition]?.slice(from, to) ?? [];
      },
      offsetsAt: unused,
      createTopic: unused,
      addPartitions: unused,
      topicConfig: unused,
      setTopicConfig: unused,
      deleteTopic: unused,
      groupMembers: unused,
      deleteGroup: unused,
      claim: unused,
      read: unused,
      close: unused,
    };
    const broker = this;
    return { kafka, killed: killed.promise, kill };
  }
}
