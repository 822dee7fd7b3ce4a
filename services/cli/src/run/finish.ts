/**
 * When `run --once` is over: all that was sent is stored, or nothing moves any more.
 *
 * Invariant: a Pipeline counts as done only while its producer says that it sent everything, and that was asked before the
 * sample was taken: what a producer sends afterwards would not be seen.
 */
import type { WorkerHealth } from '@millrace/core/role/role.ts';
import type { Sample } from '../status/sample.ts';
import { unfinished } from '../status/totals.ts';

export type Verdict = { kind: 'done' } | { kind: 'stalled'; why: string } | { kind: 'going'; waitingFor: string };

/** A producer that cannot read its input, and says so, is given up sooner: a wrong path does not mend itself. */
const FAILED_PATIENCE_PART = 1 / 4;
/** A broker that gave a connected producer nothing for so long has nothing left. */
const BROKER_QUIET_MS = 3_000;

export interface Look {
  sample: Sample;
  /** Of the producer, asked before the sample; null: it does not answer. */
  producer: WorkerHealth | null;
  /** Of a source of HTTP or MQTT: what its clients have to send, asked before the sample; null: nothing more. */
  unsent?: string | null;
  /** What clients sent is at a broker, which does not say what it has left. */
  viaBroker?: boolean;
}

/** A look that differs from this one shows that records moved; roles that only start again and again move nothing. */
export function movement({ sample, producer, unsent }: Look): string {
  const next = [...sample.processor].map(([partition, { next }]) => [partition, next]);
  const stored = [...(sample.sink?.next ?? [])];
  return JSON.stringify([
    producer?.phase === 'completed',
    unsent,
    sample.checkpoint,
    sample.raw,
    sample.processed,
    next,
    stored,
    sample.sink?.touched,
    sample.latest,
  ]);
}

/**
 * @param look the newest
 * @param unchangedMs for how long every look was the same as this one
 * @param patienceMs after how long without any movement something must be broken
 */
export function judge(look: Look, unchangedMs: number, patienceMs: number): Verdict {
  const { sample, producer, unsent } = look;
  const sent = unsent === undefined ? producer?.phase === 'completed' && sample.checkpoint?.completed === true : unsent === null;
  const behind = unfinished(sample);
  const { viaBroker = false } = look;
  const settled = !viaBroker || (producer?.ready === true && unchangedMs >= BROKER_QUIET_MS);
  if (sent && behind === null && settled) return { kind: 'done' };
  const atBroker = sent && viaBroker ? 'messages that the broker may still have' : null;
  const waitingFor = behind ?? unsent ?? atBroker ?? waitingForProducer(producer);
  // A producer that keeps a pace may rightly send nothing for a long time.
  const pausing = behind === null && producer?.ready === true;
  const cannotRead = behind === null && producer?.phase === 'failed';
  const patience = cannotRead ? patienceMs * FAILED_PATIENCE_PART : patienceMs;
  if (!pausing && unchangedMs >= patience) return { kind: 'stalled', why: waitingFor };
  return { kind: 'going', waitingFor };
}

function waitingForProducer(producer: WorkerHealth | null): string {
  if (producer === null) return 'the producer has more to send (it does not answer)';
  return producer.phase === 'failed' ? `the producer ${producer.state}` : `the producer has more to send: ${producer.state}`;
}
