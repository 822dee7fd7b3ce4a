/** Which run a start goes on with, asked of Kafka and the input; what is decided is in `run.ts`. */
import { randomBytes } from 'node:crypto';
import type { Kafka, TopicState } from '@millrace/core/kafka/kafka.ts';
import type { Logger } from '@millrace/core/log.ts';
import { type Checkpoint, decodeCheckpoint, encodeCheckpoint } from '@millrace/core/record/checkpoint.ts';
import type { PipelineNames } from '@millrace/core/spec/names.ts';
import type { Input } from './input.ts';
import { decideRun, fingerprintOf } from './run.ts';

/** The checkpoint to go on from. A new run is committed when this resolves, so that its token cannot be lost. */
export async function chooseRun(
  kafka: Kafka,
  names: Pick<PipelineNames, 'raw' | 'replayGroup'>,
  input: Input,
  topic: TopicState,
  log: Logger,
): Promise<Checkpoint> {
  const committed = (await kafka.committed(names.replayGroup, names.raw)).get(0);
  const stored = committed ? decodeCheckpoint(committed.metadata) : null;
  if (committed && !stored)
    log.warn({ group: names.replayGroup, metadata: committed.metadata.slice(0, 200) }, 'what is committed is no checkpoint');
  const fingerprint = fingerprintOf(input.settings, input.identity);
  let decision = decideRun(stored, { fingerprint, topic }, null);
  if (stored && decision.kind === 'compare') {
    log.info({ run: stored.run, ordinal: stored.ordinal }, 'comparing the input with what was read before');
    decision = decideRun(stored, { fingerprint, topic }, await input.continues(stored));
    if (decision.kind === 'resume') log.info({ run: stored.run }, 'the input is the same up to the checkpoint: going on there');
  }
  if (stored && decision.kind === 'resume') {
    log.info({ run: stored.run, ordinal: stored.ordinal }, 'going on after what was sent before');
    return { ...stored, fingerprint, completed: false };
  }
  const why = decision.kind === 'new' ? decision.why : '';
  const clockBaseMs = Date.now();
  const checkpoint: Checkpoint = {
    v: 1,
    run: `r${randomBytes(9).toString('base64url')}`,
    fingerprint,
    topicId: topic.id,
    partitions: topic.partitions,
    ordinal: 0,
    loop: 0,
    file: 0,
    byte: 0,
    clockBaseMs,
    ...(await input.begin(clockBaseMs)),
    completed: false,
  };
  await kafka.commit(names.replayGroup, names.raw, 0, { offset: 0, metadata: encodeCheckpoint(checkpoint) });
  const holdsRecords = (await kafka.bounds(names.raw)).some(({ end }) => end > 0);
  // A new run over a topic with records sends everything again: that must not go unseen.
  if (holdsRecords) log.warn({ run: checkpoint.run, why, before: stored?.run }, `a new run begins with the first record: ${why}`);
  else log.info({ run: checkpoint.run }, 'the first run begins');
  return checkpoint;
}
