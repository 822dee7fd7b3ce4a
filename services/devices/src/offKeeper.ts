/**
 * Sees that nobody stays connected with a certificate that is over (docs/decisions/0041).
 *
 * Invariants: the list first, then the push: who is pushed off before the broker has the list comes back, and stays. What is to be done is
 * in the records, and is done by whoever starts next; a push is noted only after the broker has answered it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '@millrace/core/log.ts';
import type { Authority } from '@millrace/identity/authority.ts';
import { signCanary } from '@millrace/identity/canary.ts';
import type { Crl } from '@millrace/identity/crl.ts';
import { isDueToPush, notePushed, type Over, overOf } from '@millrace/identity/over.ts';
import type { Pool } from 'pg';
import type { BrokerAddress } from './link.ts';
import type { DevicesMetrics } from './metrics.ts';
import { type DevicesListener, probe } from './probe.ts';
import { pushOff } from './pushOff.ts';

const LOOK_MS = 1_000;
/** Pushes at the same time. */
const WIDTH = 8;

export interface OffKeeperOptions {
  pool: Pool;
  authority: Authority;
  /** As a role. */
  broker: BrokerAddress;
  /** As a device. */
  listener: DevicesListener;
  metrics: Pick<DevicesMetrics, 'overConnected' | 'pushedOff' | 'brokerCrlEnd' | 'certificateEnd'>;
  log: Logger;
}

export interface OffKeeper {
  stop(): Promise<void>;
}

export function keepOff(options: OffKeeperOptions): OffKeeper {
  const { log } = options;
  const stopping = new AbortController();
  const inForce = listInForce(options);

  async function keep(): Promise<void> {
    let told = '';
    while (!stopping.signal.aborted) {
      try {
        await look(options, inForce, stopping.signal);
        told = '';
      } catch (error) {
        const { message } = error as Error;
        if (message !== told)
          log.warn({ error: message }, 'whether a device with a certificate that is over is connected nobody knows; tried again');
        told = message;
      }
      await sleep(LOOK_MS, undefined, { signal: stopping.signal }).catch(() => undefined); // an abort ends the loop
    }
  }

  const keeping = keep();
  return {
    stop: async () => {
      stopping.abort();
      await keeping;
    },
  };
}

async function look(
  options: OffKeeperOptions,
  inForce: (list: Crl | null) => Promise<boolean>,
  stop: AbortSignal,
): Promise<void> {
  const { pool, authority, metrics } = options;
  const { over, list, now } = await overOf(pool, authority.id);
  let waiting = over.filter(({ pushedAt }) => pushedAt === null).length;
  metrics.overConnected.set(waiting);
  // What goes wrong with the list keeps nobody connected whose certificate has ended.
  const asked = await inForce(list).then(
    (isInForce) => ({ isInForce, trouble: null }),
    (trouble: unknown) => ({ isInForce: false, trouble }),
  );
  const due = over.filter((one) => isDueToPush(one, now, asked.isInForce));
  const troubles = [asked.trouble];
  for (let at = 0; at < due.length && !stop.aborted; at += WIDTH) {
    const { first, trouble } = await push(options, due.slice(at, at + WIDTH));
    waiting -= first;
    metrics.overConnected.set(waiting);
    troubles.push(trouble);
  }
  const trouble = troubles.find((one) => one !== null);
  if (trouble !== undefined) throw trouble;
}

/** @returns how many of them were pushed off for the first time, and why one of them was not; null: all were */
async function push(
  { pool, broker, metrics, log }: OffKeeperOptions,
  all: readonly Over[],
): Promise<{ first: number; trouble: Error | null }> {
  const devices = [...new Set(all.map(({ device }) => device))];
  const tried = await Promise.allSettled(devices.map((device) => pushOff(broker, device)));
  const off = new Set(devices.filter((_, at) => tried[at]?.status === 'fulfilled'));
  const done = all.filter(({ device }) => off.has(device));
  await notePushed(
    pool,
    done.map(({ serial }) => serial),
  );
  const first = done.filter(({ pushedAt }) => pushedAt === null);
  for (const { device, serial, isRevoked } of first) {
    const why = isRevoked ? 'revoked' : 'ended';
    metrics.pushedOff.inc({ why });
    log.info({ device, serial, why }, 'pushed off who was connected under this name');
  }
  const failed = tried.find((one) => one.status === 'rejected');
  const trouble = failed ? new Error(`the broker does not let us push devices off: ${(failed.reason as Error).message}`) : null;
  return { first: first.length, trouble };
}

/** @returns what asks the broker whether it has this list; once it has, only another list is asked for */
function listInForce({ authority, listener, metrics, log }: OffKeeperOptions): (list: Crl | null) => Promise<boolean> {
  let inForce: bigint | null = null;
  return async (list) => {
    if (list === null) return false; // nothing was revoked, and no broker has started
    const { number, nextUpdate } = list;
    if (number === inForce) return true;
    const { isRefused, brokerEnd } = await probe(listener, await signCanary(authority, list, new Date()));
    if (brokerEnd !== null) metrics.certificateEnd.set({ certificate: 'broker' }, brokerEnd.getTime() / 1_000);
    if (!isRefused) return false;
    inForce = number;
    metrics.brokerCrlEnd.set(nextUpdate.getTime() / 1_000);
    log.info({ number: String(number), until: nextUpdate }, 'the broker has the newest list of revoked certificates');
    return true;
  };
}
