/**
 * Which broker to ask: nodes, leaders and group coordinators, cached until a request says that they moved.
 *
 * Invariants: one try is one round over the brokers, so it ends in bounded time (who wants to wait wraps it in `persist`);
 * after a failure that speaks of another leader, coordinator or of the connection, the next try asks anew.
 */
import { errorOf, isTransport, KafkaError, messageOf, typeOf } from './errors.ts';
import { Link, type LinkOptions } from './link.ts';
import { type Metadata, metadataRequest, type PartitionMetadata, type TopicMetadata } from './metadata.ts';

const MOVED = new Set([
  'UNKNOWN_TOPIC_OR_PARTITION',
  'LEADER_NOT_AVAILABLE',
  'NOT_LEADER_FOR_PARTITION',
  'FENCED_LEADER_EPOCH',
  'UNKNOWN_LEADER_EPOCH',
  'KAFKA_STORAGE_ERROR',
]);
const COORDINATOR_MOVED = new Set(['NOT_COORDINATOR_FOR_GROUP', 'GROUP_COORDINATOR_NOT_AVAILABLE']);
const COORDINATORS = { group: 0, transaction: 1 } as const;

export interface ClusterOptions extends LinkOptions {
  brokers: readonly string[];
}

export class Cluster {
  readonly brokers: readonly string[];
  readonly #options: LinkOptions;
  readonly #links = new Map<string, Link>();
  readonly #topics = new Map<string, TopicMetadata>();
  readonly #coordinators = new Map<string, string>();
  #nodes = new Map<number, string>();
  #controller = -1;
  #closed = false;

  constructor(options: ClusterOptions) {
    this.brokers = options.brokers;
    this.#options = options;
  }

  /** How error sentences call this cluster. */
  get name(): string {
    return `Kafka at ${this.brokers.join(',')}`;
  }

  /** Asks the first broker that answers; never a cache. */
  async metadata(topics: readonly string[]): Promise<Metadata> {
    return this.onAny((link) => this.metadataOf(link, topics));
  }

  /** What this very broker knows. */
  async metadataOf(link: Link, topics: readonly string[]): Promise<Metadata> {
    const metadata = await link.send(metadataRequest(topics));
    this.#nodes = new Map(metadata.nodes.map(({ id, address }) => [id, address]));
    this.#controller = metadata.controller;
    for (const topic of metadata.topics) {
      if (topic.errorCode === 0) this.#topics.set(topic.name, topic);
      else this.#topics.delete(topic.name);
    }
    return metadata;
  }

  /** Tries each broker once, those with a connection first. */
  async onAny<T>(request: (link: Link) => Promise<T>): Promise<T> {
    const addresses = [...new Set([...this.#links.keys(), ...this.#nodes.values(), ...this.brokers])];
    let last: unknown;
    for (const address of addresses) {
      try {
        return await this.#on(address, request);
      } catch (error) {
        last = error;
        if (!isTransport(error)) throw error;
      }
    }
    throw last;
  }

  async onController<T>(request: (link: Link) => Promise<T>): Promise<T> {
    if (!this.#nodes.has(this.#controller)) await this.metadata([]);
    try {
      return await this.#on(this.#address(this.#controller), request);
    } catch (error) {
      this.#controller = -1;
      throw error;
    }
  }

  /** @throws KafkaError (retriable) where the topic, the partition or its leader is not there. */
  async leader(topic: string, partition: number): Promise<PartitionMetadata> {
    const find = () => this.#topics.get(topic)?.partitions.find((one) => one.partition === partition);
    let found = find();
    if (!found || found.leader < 0) {
      const { topics } = await this.metadata([topic]);
      // Not to be seen is not to be missing, and waiting does not help.
      const error = errorOf(topics.find(({ name }) => name === topic)?.errorCode ?? 0);
      if (typeOf(error) === 'TOPIC_AUTHORIZATION_FAILED')
        throw new KafkaError(`the user may not see topic ${topic}: ${messageOf(error)}`, { cause: error });
      found = find();
    }
    if (!this.#topics.has(topic))
      throw new KafkaError(`there is no topic ${topic}`, { type: 'UNKNOWN_TOPIC_OR_PARTITION', retriable: true });
    if (!found)
      throw new KafkaError(`topic ${topic} has no partition ${partition}`, {
        type: 'UNKNOWN_TOPIC_OR_PARTITION',
        retriable: true,
      });
    if (found.leader < 0)
      throw new KafkaError(`partition ${partition} of topic ${topic} has no leader`, {
        type: 'LEADER_NOT_AVAILABLE',
        retriable: true,
      });
    return found;
  }

  /** The topic's id as of when its leaders were last asked for. @throws as `leader` */
  async topicId(topic: string, partition: number): Promise<string> {
    await this.leader(topic, partition);
    return this.#topics.get(topic)?.id ?? '';
  }

  async onLeader<T>(topic: string, partition: number, request: (link: Link) => Promise<T>): Promise<T> {
    const { leader } = await this.leader(topic, partition);
    return this.onNode(leader, topic, request);
  }

  /** Runs a request on the node that leads partitions of `topic`. */
  async onNode<T>(node: number, topic: string, request: (link: Link) => Promise<T>): Promise<T> {
    try {
      return await this.#on(this.#address(node), request);
    } catch (error) {
      if (isTransport(error) || MOVED.has(typeOf(error) ?? '')) this.forget(topic);
      throw error;
    }
  }

  /** @param name of a consumer group, or a transactional id */
  async onCoordinator<T>(name: string, request: (link: Link) => Promise<T>, of: keyof typeof COORDINATORS = 'group'): Promise<T> {
    const key = `${of} ${name}`;
    let address = this.#coordinators.get(key);
    if (!address) {
      const { coordinator } = await this.onAny((link) =>
        link.broker.findGroupCoordinator({ groupId: name, coordinatorType: COORDINATORS[of] }),
      );
      address = coordinator.host.includes(':')
        ? `[${coordinator.host}]:${coordinator.port}`
        : `${coordinator.host}:${coordinator.port}`;
      this.#coordinators.set(key, address);
    }
    try {
      return await this.#on(address, request);
    } catch (error) {
      if (isTransport(error) || COORDINATOR_MOVED.has(typeOf(error) ?? '')) this.#coordinators.delete(key);
      throw error;
    }
  }

  /** The next question for a leader of this topic asks the brokers. */
  forget(topic: string): void {
    this.#topics.delete(topic);
  }

  close(): void {
    this.#closed = true;
    for (const link of this.#links.values()) link.close();
    this.#links.clear();
  }

  #address(node: number): string {
    const address = this.#nodes.get(node);
    if (!address)
      throw new KafkaError(`broker ${node} is not in the cluster's metadata`, { type: 'LEADER_NOT_AVAILABLE', retriable: true });
    return address;
  }

  async #on<T>(address: string, request: (link: Link) => Promise<T>): Promise<T> {
    if (this.#closed) throw new KafkaError(`the client of ${this.name} is closed`);
    let link = this.#links.get(address);
    if (!link?.usable) {
      link?.close();
      link = new Link(address, this.#options);
      this.#links.set(address, link);
    }
    try {
      await link.ready();
      return await request(link);
    } catch (error) {
      if (!link.usable || isTransport(error)) this.#drop(address, link);
      throw typeOf(error) || error instanceof KafkaError ? error : wrap(address, error);
    }
  }

  #drop(address: string, link: Link): void {
    link.close();
    if (this.#links.get(address) === link) this.#links.delete(address);
  }
}

/** Says which broker it was, keeping name and fields that decide about retrying. */
function wrap(address: string, error: unknown): unknown {
  if (error instanceof Error && !error.message.includes(address)) error.message = `broker ${address}: ${messageOf(error)}`;
  return error;
}
