/**
 * A connection to the broker that is made again whenever it breaks.
 *
 * Invariants: nothing is sent again by itself: a command that a broken connection took along is not sent by the next one, long
 * after its sender was told that it failed. Certificates are read anew for each connection.
 */
import { randomBytes } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '@millrace/core/log.ts';
import { readPem } from '@millrace/core/secretFile.ts';
import { connectAsync, type IClientOptions, type MqttClient } from 'mqtt';

const AGAIN_MS = 1_000;
const CONNECT_MS = 10_000;
const KEEPALIVE_SECONDS = 15;
const MOST_WAITING = 1_000;

export interface BrokerAddress {
  /** mqtts://host:port, or mqtt:// for loopback. */
  url: string;
  /** PEM files. */
  ca?: string;
  certificate?: string;
  key?: string;
}

export interface Link {
  /** The connection of now; null: there is none. */
  client(): MqttClient | null;
  /** Why there is none; null: there is one. */
  trouble(): string | null;
  /** Resolves once there is one. @throws Error where the signal comes first */
  connected(signal: AbortSignal): Promise<void>;
  stop(): Promise<void>;
}

export function linkTo(address: BrokerAddress, log: Logger): Link {
  const stopping = new AbortController();
  let client: MqttClient | null = null;
  let trouble: string | null = 'not connected yet';
  const events = new EventEmitter();

  async function keep(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        const connected = await connectAsync(
          address.url,
          optionsOf(address, `millrace-commands-${randomBytes(6).toString('hex')}`),
        );
        connected.setMaxListeners(MOST_WAITING + 10);
        const closed = new Promise<void>((resolve) => connected.once('close', resolve));
        connected.on('error', (error) => log.warn({ err: error }, 'the broker says that something is wrong'));
        client = connected;
        trouble = null;
        events.emit('connected');
        log.info({ broker: address.url }, 'connected to the broker');
        const ended = new Promise<void>((resolve) => stopping.signal.addEventListener('abort', () => resolve(), { once: true }));
        await Promise.race([closed, ended]);
        client = null;
        trouble = 'the connection was lost';
        await connected.endAsync(true);
        if (!stopping.signal.aborted) log.warn({ broker: address.url }, 'the connection to the broker was lost');
      } catch (error) {
        const { message } = error as Error;
        if (message !== trouble) log.warn({ broker: address.url, error: message }, 'the broker does not let us in');
        trouble = message;
      }
      await sleep(AGAIN_MS, undefined, { signal: stopping.signal }).catch(() => undefined); // an abort ends the loop
    }
  }

  const keeping = keep();
  return {
    client: () => (client?.connected ? client : null),
    trouble: () => (client?.connected ? null : (trouble ?? 'the connection was lost')),
    connected: async (signal) => {
      if (!client?.connected) await once(events, 'connected', { signal });
    },
    stop: async () => {
      stopping.abort();
      await keeping;
    },
  };
}

/** Of one connection, which is not made again, under this client id. @throws Error naming the file that cannot be read */
export function optionsOf({ ca, certificate, key }: BrokerAddress, clientId: string): IClientOptions {
  return {
    protocolVersion: 5,
    clientId,
    clean: true,
    reconnectPeriod: 0,
    connectTimeout: CONNECT_MS,
    keepalive: KEEPALIVE_SECONDS,
    ...(ca === undefined ? {} : { ca: readPem(ca) }),
    ...(certificate === undefined ? {} : { cert: readPem(certificate) }),
    ...(key === undefined ? {} : { key: readPem(key) }),
  };
}
