/**
 * A controller that goes on sending while everything around it starts again: messages of QoS 1, each until the broker has acknowledged it.
 *
 * Invariant: what it has had acknowledged is a row, once; a message that it sent twice is one row.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Values } from '@millrace/cdk8s/platform/values.ts';
import type { Kubectl } from '@millrace/deploy/kubectl.ts';
import { until } from '../../faults/until.ts';
import { query } from '../rows.ts';
import { connect, doorOf } from './door.ts';
import { newDevice, payloadOf, topicOf } from './own.ts';

/** At a time: each waits for its acknowledgement, then a little. */
const SENDERS = 5;
const PAUSE_MS = 500;
const AGAIN_MS = 500;
const WITHIN_MS = 120_000;
const LOOK_EVERY_MS = 1_000;
const START_MS = Date.UTC(2025, 5, 1);

export interface Steady {
  /** Stops sending, and waits until all of it is stored. @returns what was sent @throws Error where a message is missing or there twice */
  allStored(): Promise<string>;
  /** Whatever happened. */
  leave(): Promise<void>;
}

export async function startSteady(kubectl: Kubectl, values: Values): Promise<Steady> {
  const owner = await newDevice(kubectl);
  const client = await connect(await doorOf(kubectl), owner, { clean: false, reconnectPeriod: AGAIN_MS, keepalive: 10 });
  let [sent, lost] = [0, 0];
  const stopped = new AbortController();
  client.on('error', () => undefined); // it comes again by itself
  client.on('close', () => {
    if (!stopped.signal.aborted) lost++;
  });
  const send = async (): Promise<void> => {
    while (!stopped.signal.aborted) {
      await client.publishAsync(topicOf(owner.device), payloadOf(START_MS + sent++ * 1_000), { qos: 1 });
      await sleep(PAUSE_MS);
    }
  };
  const senders = Promise.all(Array.from({ length: SENDERS }, send));
  senders.catch(() => undefined); // told by whoever waits for them
  const ask = async (of: string): Promise<string> =>
    query(kubectl, values, `SELECT ${of} FROM "${values.namespace}".controller_readings WHERE device = '${owner.device}'`);
  return {
    async allStored() {
      stopped.abort();
      await senders;
      const wanted = [sent, sent, START_MS / 1_000, START_MS / 1_000 + sent - 1].join(' ');
      let found = '';
      const isThere = async (): Promise<boolean> => {
        found = await ask(
          "concat_ws(' ', count(*), count(DISTINCT time), extract(epoch from min(time))::bigint, extract(epoch from max(time))::bigint)",
        );
        return found === wanted;
      };
      await until('all that a controller had acknowledged is stored', WITHIN_MS, isThere, LOOK_EVERY_MS).catch((cause: Error) => {
        throw new Error(`of a controller’s messages (rows, times, first, last) there are ${found}, right are ${wanted}`, {
          cause,
        });
      });
      return `${sent} messages of QoS 1 of a controller that lost its connection ${lost} times are ${sent} rows`;
    },
    async leave() {
      stopped.abort();
      await client.endAsync(true);
    },
  };
}
