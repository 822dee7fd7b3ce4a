/**
 * Membership in a consumer group: join, sync, heartbeat, leave (https://kafka.apache.org/protocol, the classic group
 * protocol). Heartbeats do not depend on handlers: a handler that takes long neither holds the group up nor loses the
 * membership (FACTS trap 7).
 *
 * Invariants: partitions are held between `assigned` and `revoked`, which alternate; `revoked` has ended before the member
 * joins again, so what it had finished is committed under its own generation; without an answered heartbeat for the
 * session's time they are revoked, since another member may have them by then.
 */
import assignerProtocol from 'kafkajs/src/consumer/assignerProtocol.js';
import type { Logger } from 'pino';
import { guarded } from '../guards.ts';
import type { Cluster } from './cluster.ts';
import { KafkaError, messageOf, typeOf } from './errors.ts';
import type { Committed } from './kafka.ts';
import { topicOf } from './locate.ts';
import { commitOffset } from './offsetCommit.ts';
import { backoffMs, pause, persist, within } from './retry.ts';

const { MemberAssignment, MemberMetadata } = assignerProtocol;

/** Without a heartbeat for this time the group gives a member's partitions to others. Kafka's least by default. */
const SESSION_MS = 6_000;
const HEARTBEAT_MS = 1_000;
const REBALANCE_MS = 30_000;
/** How long running handlers may go on when the group rebalances. */
const GRACE_MS = 2_000;
const PARTITION_CHECK_MS = 5_000;
const COMMIT_WITHIN_MS = 10_000;
const LEAVE_WITHIN_MS = 2_000;
const PROTOCOL = 'roundrobin';

const FATAL = new Set([
  'INCONSISTENT_GROUP_PROTOCOL',
  'INVALID_GROUP_ID',
  'INVALID_SESSION_TIMEOUT',
  'TOPIC_AUTHORIZATION_FAILED',
  'GROUP_AUTHORIZATION_FAILED',
  'CLUSTER_AUTHORIZATION_FAILED',
  'UNSUPPORTED_SASL_MECHANISM',
  'SASL_AUTHENTICATION_FAILED',
]);

export interface Assignment {
  generation: number;
  memberId: string;
  partitions: number[];
}

export interface MemberOptions {
  cluster: Cluster;
  group: string;
  topic: string;
  assigned(assignment: Assignment): void;
  /** Lets go of all partitions, within the grace time as far as handlers do. */
  revoked(graceMs: number): Promise<void>;
  log: Logger;
  /** How long the group waits for members to join again. Default: 30 s. */
  rebalanceMs?: number;
}

export class Member {
  readonly #options: MemberOptions;
  readonly #closing = new AbortController();
  readonly #ended: Promise<void>;
  #memberId = '';
  /** Of the topic when this member, as the group's leader, handed partitions out; null when it is not the leader. */
  #handedOut: number | null = null;

  /** @param failed called once, when the broker says something that does not pass by itself */
  constructor(options: MemberOptions, failed: (error: Error) => void) {
    this.#options = options;
    this.#ended = this.#run().catch((error) => failed(error instanceof Error ? error : new Error(String(error))));
  }

  /** Commits for a partition of this assignment. @throws KafkaError when the group has gone on without it. */
  async commit(assignment: Assignment, commit: Committed & { partition: number }, signal: AbortSignal): Promise<void> {
    const { cluster, group, topic } = this.#options;
    const of = { group, generation: assignment.generation, memberId: assignment.memberId, topic, partition: commit.partition };
    await persist(() => commitOffset(cluster, of, commit), {
      withinMs: COMMIT_WITHIN_MS,
      what: `group ${group} did not take offset ${commit.offset} of ${topic}/${commit.partition}`,
      signal,
      giveUp: isGone,
    });
  }

  /** Leaves the group, so that others need not wait for the session to end. Revoke first. */
  async close(): Promise<void> {
    this.#closing.abort();
    const { cluster, group, log } = this.#options;
    if (this.#memberId) {
      const leave = cluster.onCoordinator(group, (link) => link.broker.leaveGroup({ groupId: group, memberId: this.#memberId }));
      await within(leave, LEAVE_WITHIN_MS).catch((error) =>
        log.warn({ group, err: messageOf(error) }, 'left the group without saying so'),
      );
    }
    cluster.close(); // ends a join under way
    await this.#ended;
  }

  async #run(): Promise<void> {
    const { group, log, assigned, revoked } = this.#options;
    for (let failures = 0; !this.#closing.signal.aborted; ) {
      try {
        const assignment = await this.#join();
        if (this.#closing.signal.aborted) return;
        failures = 0;
        log.info({ group, partitions: assignment.partitions, generation: assignment.generation }, 'joined the group');
        assigned(assignment);
        const graceMs = await this.#stay(assignment);
        if (this.#closing.signal.aborted) return;
        await revoked(graceMs);
      } catch (error) {
        if (this.#closing.signal.aborted) return;
        await revoked(0);
        if (isFatal(error)) throw new KafkaError(`group ${group}: ${messageOf(error)}`, { cause: error });
        if (typeOf(error) === 'UNKNOWN_MEMBER_ID') this.#memberId = '';
        failures++;
        // A new cluster or coordinator says so for a moment; what lasts is worth a warning.
        log[failures > 3 ? 'warn' : 'info']({ group, err: messageOf(error) }, 'joining the group again');
        await pause(backoffMs(failures, 2_000), this.#closing.signal);
      }
    }
  }

  async #join(): Promise<Assignment> {
    const { cluster, group, topic } = this.#options;
    return cluster.onCoordinator(group, async (link) => {
      const joined = await link.broker.joinGroup({
        groupId: group,
        sessionTimeout: SESSION_MS,
        rebalanceTimeout: this.#options.rebalanceMs ?? REBALANCE_MS,
        memberId: this.#memberId,
        groupProtocols: [{ name: PROTOCOL, metadata: MemberMetadata.encode({ version: 1, topics: [topic] }) }],
      });
      this.#memberId = joined.memberId;
      const isLeader = joined.leaderId === joined.memberId;
      this.#handedOut = isLeader ? await this.#partitions() : null;
      const shares = handOut(this.#handedOut ?? 0, isLeader ? joined.members.map(({ memberId }) => memberId) : []);
      const synced = await link.broker.syncGroup({
        groupId: group,
        generationId: joined.generationId,
        memberId: joined.memberId,
        groupAssignment: [...shares].map(([memberId, partitions]) => ({
          memberId,
          memberAssignment: MemberAssignment.encode({ version: 1, assignment: { [topic]: partitions } }),
        })),
      });
      const partitions = MemberAssignment.decode(synced.memberAssignment)?.assignment[topic] ?? [];
      return { generation: joined.generationId, memberId: joined.memberId, partitions };
    });
  }

  /** Beats until the partitions must be let go; answers how much time handlers have for that. */
  async #stay({ generation, memberId }: Assignment): Promise<number> {
    const { cluster, group } = this.#options;
    let answered = performance.now();
    let checked = answered;
    for (;;) {
      await pause(HEARTBEAT_MS, this.#closing.signal);
      if (this.#closing.signal.aborted) return 0;
      const left = SESSION_MS - (performance.now() - answered);
      if (left <= 0) return 0;
      try {
        const beat = cluster.onCoordinator(group, (link) =>
          link.broker.heartbeat({ groupId: group, groupGenerationId: generation, memberId }),
        );
        await within(beat, left, this.#closing.signal);
        answered = performance.now();
      } catch (error) {
        const type = typeOf(error);
        if (type === 'REBALANCE_IN_PROGRESS') return GRACE_MS;
        if (isFatal(error) || isGone(error)) throw error;
        continue;
      }
      if (this.#handedOut !== null && answered - checked > PARTITION_CHECK_MS) {
        checked = answered;
        const partitions = await this.#partitions().catch(() => this.#handedOut); // asked again in a moment
        if (guarded('new-partitions-noticed') && partitions !== this.#handedOut) return GRACE_MS;
      }
    }
  }

  async #partitions(): Promise<number> {
    const { cluster, topic } = this.#options;
    return (await cluster.onAny((link) => topicOf(cluster, link, topic))).partitions.length;
  }
}

/** Partitions by member: in turn, over the members in the order of their ids. */
export function handOut(partitions: number, members: readonly string[]): Map<string, number[]> {
  const sorted = [...members].sort();
  const shares = new Map(sorted.map((member) => [member, [] as number[]]));
  for (let partition = 0; partition < partitions && sorted.length > 0; partition++)
    shares.get(sorted[partition % sorted.length] as string)?.push(partition);
  return shares;
}

/** The group goes on without this generation of this member. */
function isGone(error: unknown): boolean {
  return ['UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION', 'REBALANCE_IN_PROGRESS', 'FENCED_INSTANCE_ID'].includes(typeOf(error) ?? '');
}

function isFatal(error: unknown): boolean {
  if (FATAL.has(typeOf(error) ?? '')) return true;
  return error instanceof Error && ['KafkaJSSASLAuthenticationError', 'TypeError', 'RangeError'].includes(error.name);
}
