/** Reads a topic as a member of a consumer group: a lane for each partition that the group gives to this member. */
import type { Logger } from 'pino';
import type { Cluster } from './cluster.ts';
import { KafkaError } from './errors.ts';
import { Fetcher, waitMs } from './fetcher.ts';
import { Held } from './held.ts';
import type { PartitionState, Reader, ReadOptions } from './kafka.ts';
import { Lane } from './lane.ts';
import { locate } from './locate.ts';
import { type Assignment, Member } from './member.ts';
import { Slots } from './slots.ts';

const CLOSE_GRACE_MS = 5_000;
/** How long handlers that were aborted may take to notice. */
const ABORT_MS = 2_000;

/** Of what the readers of a process have together. */
export interface ReaderShare {
  bytes(): number;
  /** @param most that the reader asks for */
  slots(most?: number): number;
}

export class KafkaReader implements Reader {
  readonly failed: Promise<Error>;
  readonly #options: ReadOptions;
  readonly #cluster: Cluster;
  readonly #log: Logger;
  readonly #fetcher: Fetcher;
  readonly #member: Member;
  readonly #slots: Slots;
  /** The last lane of each partition that this member ever had, so that the next one waits for its end. */
  readonly #lanes = new Map<number, Lane>();
  #assigned: number[] = [];
  #closing: Promise<void> | null = null;

  /**
   * @param cluster its own: joining blocks a connection for as long as the group rebalances
   * @param share what this reader may hold and work on at a time
   */
  constructor(options: ReadOptions, cluster: Cluster, share: ReaderShare, log: Logger) {
    this.#options = options;
    this.#cluster = cluster;
    this.#log = log;
    this.#slots = new Slots(() => share.slots(options.concurrency));
    const own = () => this.#assigned.flatMap((partition) => this.#lanes.get(partition) ?? []);
    this.#fetcher = new Fetcher(cluster, options.topic, () => waitMs(own()), new Held(share.bytes));
    const { promise, resolve } = Promise.withResolvers<Error>();
    this.failed = promise;
    this.#member = new Member(
      {
        cluster,
        group: options.group,
        topic: options.topic,
        assigned: (assignment) => this.#start(assignment),
        revoked: (graceMs) => this.#stop(graceMs),
        log,
        ...(options.rebalanceMs === undefined ? {} : { rebalanceMs: options.rebalanceMs }),
      },
      resolve,
    );
  }

  /** Whether a batch is worked on. */
  get isBusy(): boolean {
    return this.#slots.isBusy;
  }

  partitions(): PartitionState[] {
    return this.#assigned.flatMap((partition) => this.#lanes.get(partition)?.state ?? []);
  }

  close(graceMs = CLOSE_GRACE_MS): Promise<void> {
    this.#closing ??= this.#close(graceMs);
    return this.#closing;
  }

  async #close(graceMs: number): Promise<void> {
    const lanes = [...this.#lanes.values()];
    await this.#stop(graceMs); // with heartbeats going on
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, ABORT_MS);
    });
    await Promise.race([Promise.all(lanes.map((lane) => lane.done)), patience]);
    clearTimeout(timer);
    this.#fetcher.close();
    await this.#member.close();
  }

  #start(assignment: Assignment): void {
    if (this.#closing) return;
    this.#assigned = [...assignment.partitions].sort((a, b) => a - b);
    const { topic } = this.#options;
    for (const partition of this.#assigned) {
      const isCurrent = () => this.#lanes.get(partition) === lane;
      const lane: Lane = new Lane(
        {
          partition,
          read: this.#options,
          locate: () => locate(this.#cluster, topic, partition),
          fetch: (offset, signal) => this.#fetcher.next(partition, offset, signal),
          commit: async (next, metadata, signal) => {
            if (!isCurrent()) throw new KafkaError(`partition ${partition} of topic ${topic} is no longer this member's`);
            await this.#member.commit(assignment, { partition, offset: next, metadata }, signal);
          },
          slots: this.#slots,
          log: this.#log,
        },
        this.#lanes.get(partition)?.done ?? Promise.resolve(),
      );
      this.#lanes.set(partition, lane);
    }
  }

  async #stop(graceMs: number): Promise<void> {
    this.#assigned = [];
    await Promise.all([...this.#lanes.values()].map((lane) => lane.stop(graceMs)));
  }
}
