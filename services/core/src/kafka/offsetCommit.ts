/**
 * OffsetCommit, version 4 (https://kafka.apache.org/protocol#The_Messages_OffsetCommit): the last one in which a commit says
 * how long it is kept. From version 5 on the broker forgets the offsets of a group that had no members for
 * `offsets.retention.minutes` (7 days): a replay that was stopped for longer would send its input a second time, and a
 * processor would begin at what retention left of the log without knowing that something is missing.
 */
import type { Protocol } from 'kafkajs/src/network/connectionPool.js';
import offsetCommit from 'kafkajs/src/protocol/requests/offsetCommit/index.js';
import type { Cluster } from './cluster.ts';
import type { Committed } from './kafka.ts';

const VERSION = 4;
/** A hundred years; an offset goes with its topic, or when somebody deletes it or the group. */
const KEPT_MS = 100 * 365 * 86_400_000;

export interface CommitOf {
  group: string;
  /** -1 and '' for a group without members. */
  generation: number;
  memberId: string;
  topic: string;
  partition: number;
}

/** Commits one offset, once. @throws the protocol's error, or the connection's */
export async function commitOffset(cluster: Cluster, of: CommitOf, { offset, metadata }: Committed): Promise<void> {
  const request: Protocol<unknown> = offsetCommit.protocol({ version: VERSION })({
    groupId: of.group,
    groupGenerationId: of.generation,
    memberId: of.memberId,
    retentionTime: KEPT_MS,
    topics: [{ topic: of.topic, partitions: [{ partition: of.partition, offset: String(offset), metadata }] }],
  });
  await cluster.onCoordinator(of.group, (link) => link.send(request));
}
