/** The role `devices`: one process, which drains at the first signal. */
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectDatabase, type DatabaseAddress } from '@millrace/core/database/connect.ts';
import { bearersOf } from '@millrace/core/http/tokens.ts';
import type { Logger } from '@millrace/core/log.ts';
import { serveHealth } from '@millrace/core/role/health.ts';
import type { WorkerHealth } from '@millrace/core/role/role.ts';
import { stopOnSignal } from '@millrace/core/role/signals.ts';
import { readPem } from '@millrace/core/secretFile.ts';
import { readAuthority } from '@millrace/identity/authorityFolder.ts';
import { identityOf } from '@millrace/identity/identity.ts';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { keepCrl } from './crlKeeper.ts';
import { type BrokerAddress, linkTo } from './link.ts';
import { type DevicesMetrics, metricsOf } from './metrics.ts';
import { keepOff } from './offKeeper.ts';
import { expire } from './records.ts';
import { sendCommand } from './send.ts';
import { serveHttp } from './server.ts';

const CONNECTIONS = 10;
const EXPIRE_EVERY_MS = 3_600_000;

export interface DevicesOptions {
  database: DatabaseAddress;
  broker: BrokerAddress;
  /** mqtts://host:port as devices reach it; null: nobody knows, and nobody is pushed off. */
  listener: string | null;
  /** Folder with the authority of devices. */
  authority: string;
  /** Folders with a file per token. */
  provisioningTokens: string;
  commandTokens: string;
  /** Of requests. */
  http: { host: string; port: number };
  /** Of /healthz, /readyz and /metrics. */
  health: { host: string; port: number };
  log: Logger;
}

/** @returns when a signal has ended it, in order @throws Error where it cannot serve at all */
export async function serveDevices({ log, ...options }: DevicesOptions): Promise<void> {
  const stop = stopOnSignal({ beforeEnd: (signal) => log.warn({ signal }, 'second signal: exit without draining') });
  const authority = await readAuthority(options.authority);
  const [provisioning, commands] = [bearersOf(options.provisioningTokens), bearersOf(options.commandTokens)];
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const metrics = metricsOf(registry);
  const pool = connectDatabase({ ...options.database, applicationName: 'millrace devices', max: CONNECTIONS, log });
  const identity = (by: string) => identityOf({ pool, authority, by });
  const link = linkTo(options.broker, log);
  const keeper = keepCrl(identity('millrace devices'), log, ({ nextUpdate }) => {
    metrics.crlEnd.set(nextUpdate.getTime() / 1_000);
    ownEnds(metrics, authority.certificate.notAfter, options.broker, log);
  });
  const { ca } = options.broker;
  const listener = options.listener === null ? null : { url: options.listener, ...(ca === undefined ? {} : { ca }) };
  if (listener === null)
    log.warn(
      'where devices reach the broker is not given: those with certificates that are over stay connected until they leave',
    );
  const offKeeper = listener === null ? null : keepOff({ pool, authority, broker: options.broker, listener, metrics, log });
  const expiring = expireNowAndThen(() => expire(pool), stop, log);
  const states = (): Record<string, WorkerHealth> => ({
    broker: healthOf(link.trouble(), 'connected'),
    database: healthOf(keeper.trouble(), 'connected'),
  });
  const health = await serveHealth({ ...options.health, metrics: registry, states });
  const server = await serveHttp({
    ...options.http,
    provisioning,
    commands,
    identity,
    authority: `${authority.pem.trimEnd()}\n`,
    send: (command, by) => sendCommand(command, { pool, link, by, log }),
    crl: keeper.newest,
    metrics,
    log,
  });
  log.info({ port: server.port, health: health.port, startupMs: Math.round(performance.now()) }, 'serving');
  if (!stop.aborted) await once(stop, 'abort');
  log.info('draining');
  await server.close();
  await Promise.all([link.stop(), keeper.stop(), offKeeper?.stop(), expiring]);
  await health.close();
  await pool.end();
  log.info('drained');
}

function healthOf(trouble: string | null, good: string): WorkerHealth {
  return trouble === null ? { ready: true, phase: 'running', state: good } : { ready: false, phase: 'paused', state: trouble };
}

/** Each time there is a new list, which is twice a week at least. */
function ownEnds({ certificateEnd }: DevicesMetrics, authority: Date, { certificate }: BrokerAddress, log: Logger): void {
  certificateEnd.set({ certificate: 'authority' }, authority.getTime() / 1_000);
  if (certificate === undefined) return;
  try {
    const { validToDate } = new X509Certificate(readPem(certificate));
    certificateEnd.set({ certificate: 'commands' }, validToDate.getTime() / 1_000);
  } catch (error) {
    log.warn({ err: error }, 'until when the own certificate is good nobody knows');
  }
}

async function expireNowAndThen(work: () => Promise<number>, stop: AbortSignal, log: Logger): Promise<void> {
  while (!stop.aborted) {
    await sleep(EXPIRE_EVERY_MS, undefined, { signal: stop }).catch(() => undefined); // an abort ends the loop
    if (stop.aborted) return;
    await work().then(
      (removed) => removed > 0 && log.info({ removed }, 'removed records of old commands'),
      (error: unknown) => log.warn({ err: error }, 'records of old commands could not be removed; tried again later'),
    );
  }
}
