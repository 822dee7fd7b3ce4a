/** Whether records of devices are taken now, and how a rejected send counts. Pure. */

/** Kafka is away when it acknowledged nothing for so long though something waits. */
export const STALLED_MS = 5_000;

export type Admission =
  | { kind: 'open' }
  /** As much waits for Kafka as may. */
  | { kind: 'full' }
  /** Kafka takes nothing. */
  | { kind: 'away'; why: string };

export interface Situation {
  /** Why nothing can be sent, as a send or the newest look at the topic said; null: it can. */
  away: string | null;
  /** Since the last acknowledgement, or since something waits; null: nothing does. */
  silentMs: number | null;
  isFull: boolean;
}

export function admissionOf({ away, silentMs, isFull }: Situation): Admission {
  if (away !== null) return { kind: 'away', why: away };
  if (silentMs !== null && silentMs > STALLED_MS)
    return { kind: 'away', why: `nothing was acknowledged for more than ${STALLED_MS / 1_000} s` };
  return { kind: isFull ? 'full' : 'open' };
}

/** Sends that went well for so long were no failure that goes on. */
const LASTED_MS = 30_000;

/** The rejections in a row, with one after `lastedMs` without any. @param before those so far */
export function rejectionsInARow(before: number, lastedMs: number): number {
  return lastedMs > LASTED_MS ? 1 : before + 1;
}
