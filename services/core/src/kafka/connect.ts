/** Opens Millrace's Kafka client: the one way from outside into this folder, which alone knows the client library. */
import { adminOf } from './admin.ts';
import { claimWriter } from './claim.ts';
import { Cluster } from './cluster.ts';
import { KafkaError } from './errors.ts';
import { shareOf } from './held.ts';
import type { Kafka } from './kafka.ts';
import type { LinkOptions } from './link.ts';
import { readRange } from './range.ts';
import { KafkaReader } from './reader.ts';
import { KafkaSender } from './sender.ts';
import { slotsOf } from './slots.ts';

export interface KafkaOptions extends LinkOptions {
  /** `host:port`, at least one; the others of the cluster are found through it. */
  brokers: string[];
}

/**
 * Connects lazily: the first call that needs a broker rejects within 12 s, naming the brokers, when there is none or the
 * login is refused (an admin call; a send within 60 s). Readers go on trying for ever once they read.
 * @throws Error for a broker address that is not `host:port`
 */
export function connectKafka(options: KafkaOptions): Kafka {
  if (options.brokers.length === 0) throw new Error('no Kafka broker given; needed is at least one as host:port');
  for (const broker of options.brokers)
    if (!/^(\[[0-9a-fA-F:.]+\]|[^:\s/]+):\d{1,5}$/.test(broker))
      throw new Error(`Kafka broker ${JSON.stringify(broker)}; allowed is host:port`);
  const control = new Cluster(options);
  const admin = adminOf(control);
  const open = new Set<{ close(): Promise<void> }>();
  const readers = () => [...open].filter((one) => one instanceof KafkaReader);
  const share = {
    bytes: () => shareOf(readers().length),
    slots: (most?: number) => slotsOf(readers().filter(({ isBusy }) => isBusy).length, most),
  };
  return {
    ...admin,
    sender() {
      const sender = new KafkaSender(new Cluster(options), options.log);
      open.add(sender);
      return {
        send: (topic, partition, records, topicId) => sender.send(topic, partition, records, topicId),
        close: () => closeOne(sender),
      };
    },
    async claim(transactionalId, signal) {
      const claim = await claimWriter(new Cluster(options), transactionalId, signal);
      open.add(claim);
      return {
        append: (topic, parts) => claim.append(topic, parts),
        get holds() {
          return claim.holds;
        },
        close: () => closeOne(claim),
      };
    },
    async read(read) {
      const state = await admin.topic(read.topic);
      if (state === null) throw new KafkaError(`there is no topic ${read.topic} in ${control.name}`);
      const reader = new KafkaReader(read, new Cluster(options), share, read.log ?? options.log);
      open.add(reader);
      return {
        failed: reader.failed,
        partitions: () => reader.partitions(),
        close: (graceMs) => closeOne(reader, () => reader.close(graceMs)),
      };
    },
    range: (topic, partition, from, to, signal) => readRange(control, topic, partition, from, to, signal),
    async close() {
      await Promise.all([...open].map((one) => closeOne(one)));
      control.close();
    },
  };

  async function closeOne(one: { close(): Promise<void> }, close = () => one.close()): Promise<void> {
    open.delete(one);
    await close();
  }
}
