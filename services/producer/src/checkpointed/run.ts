/**
 * Decisions about runs (DESIGN 1.2 rule 6): does this start go on with the run of the checkpoint, and which of its records are
 * in the raw topic already. Pure.
 *
 * Invariant: a run goes on only where the same ordinal means the same record in the same partition. Then, within a
 * partition, records of a run stand in the order of their ordinals, so that those up to the last one there are there.
 */
import type { KafkaRecord, TopicState } from '@millrace/core/kafka/kafka.ts';
import type { Checkpoint } from '@millrace/core/record/checkpoint.ts';
import { decodeReplayPosition, REPLAY_POSITION_HEADER } from '@millrace/core/record/raw.ts';

export type RunDecision =
  | { kind: 'resume' }
  /** The input may be the same up to the place of the checkpoint (it grew, it was repaired): find out, and ask again. */
  | { kind: 'compare' }
  | { kind: 'new'; why: string };

const UNKNOWN = '?';

/** Fingerprint of an input for the checkpoint. */
export function fingerprintOf(settings: string, identity: string | null): string {
  return `${settings}.${identity ?? UNKNOWN}`;
}

/**
 * @param stored the checkpoint, null where there is none
 * @param continues whether all before the checkpoint's place is as it was; null: not compared
 */
export function decideRun(
  stored: Checkpoint | null,
  current: { fingerprint: string; topic: TopicState },
  continues: boolean | null,
): RunDecision {
  if (!stored) return { kind: 'new', why: 'there is no checkpoint' };
  const { topic, fingerprint } = current;
  if (stored.topicId !== topic.id)
    return { kind: 'new', why: `the raw topic was created again (its id is ${topic.id}, was ${stored.topicId})` };
  if (stored.partitions > topic.partitions)
    return { kind: 'new', why: `the raw topic has ${topic.partitions} partitions, had ${stored.partitions}` };
  const [settings, identity] = fingerprint.split('.');
  const [storedSettings, storedIdentity] = stored.fingerprint.split('.');
  if (settings !== storedSettings) return { kind: 'new', why: 'the settings of the source were changed' };
  if (identity === storedIdentity && identity !== UNKNOWN) return { kind: 'resume' };
  if (continues === null) return { kind: 'compare' };
  return continues ? { kind: 'resume' } : { kind: 'new', why: 'the input is another one' };
}

/** The highest ordinal of the run among records of one partition; -1 where there is none. */
export function highestOrdinal(records: readonly Pick<KafkaRecord, 'headers'>[], run: string): number {
  let highest = -1;
  for (const { headers } of records) {
    const position = decodeReplayPosition(headers[REPLAY_POSITION_HEADER]?.toString());
    if (position?.run === run) highest = Math.max(highest, position.ordinal);
  }
  return highest;
}

/**
 * With how many partitions keys are spread from the checkpoint on, and the ordinal from which it is all of the topic's.
 *
 * Partitions may be added under a run. Records that may be in the topic already were spread over the old number, and must
 * be compared there; those after all that is in the topic go over all partitions. The checkpoint says the new number
 * only when everything before is acknowledged, so that a crash in between changes nothing.
 * @param last highest ordinal of the run by partition
 */
export function spread(
  checkpoint: Pick<Checkpoint, 'partitions' | 'ordinal'>,
  topicPartitions: number,
  last: readonly number[],
): { partitions: number; until: number } {
  if (checkpoint.partitions === topicPartitions) return { partitions: topicPartitions, until: Number.POSITIVE_INFINITY };
  const highest = Math.max(-1, ...last);
  return highest < checkpoint.ordinal
    ? { partitions: topicPartitions, until: Number.POSITIVE_INFINITY }
    : { partitions: checkpoint.partitions, until: highest + 1 };
}
