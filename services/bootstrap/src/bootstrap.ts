/**
 * Makes what the platform needs before anything can run, and what its servers need once they do: Secrets with authority,
 * certificates and passwords; then users of Kafka and roles of the database, and certificates that its servers show. Any number of runs ends in the same state.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '@millrace/core/log.ts';
import { makeDatabaseRoles, makeKafkaUsers } from './accounts.ts';
import { type BootstrapPlan, secretNames } from './plan.ts';
import { renewDatabase, renewKafka } from './renewal.ts';
import type { SecretStore } from './secretStore.ts';
import { planSecrets, type SecretData } from './secrets.ts';

const RETRY_MS = 2_000;

export interface BootstrapOptions {
  store: SecretStore;
  /** How long the servers may take to come up, ms. */
  waitMs: number;
  signal: AbortSignal;
  log: Logger;
}

/** @throws Error in a sentence where a Secret cannot be read or written, or a server does not come up in time */
export async function bootstrap(plan: BootstrapPlan, { store, waitMs, signal, log }: BootstrapOptions): Promise<void> {
  const secrets = await makeSecrets(plan, store, log);
  const { kafka, database } = plan;
  const deadline = performance.now() + waitMs;
  const within = { deadline, signal, log };
  const tasks = [
    ...(kafka
      ? [
          { what: 'Kafka', run: () => makeKafkaUsers(kafka, secrets, log) },
          { what: 'Kafka', run: () => renewKafka(kafka, secrets, within) },
        ]
      : []),
    ...(database
      ? [
          { what: 'the database', run: () => makeDatabaseRoles(database, plan.devices !== null, secrets, log) },
          ...(database.server.of === 'us' ? [{ what: 'the database', run: () => renewDatabase(database, secrets, within) }] : []),
        ]
      : []),
  ];
  const results = await Promise.allSettled(
    tasks.map(async ({ what, run }) => {
      for (;;) {
        try {
          return await run();
        } catch (error) {
          const { message } = error as Error;
          if (performance.now() > deadline)
            throw new Error(`${what} did not come up within ${waitMs / 1_000} s: ${message}`, { cause: error });
          log.info({ waitingFor: what, error: message }, `waiting for ${what}`);
          await sleep(RETRY_MS, undefined, { signal });
        }
      }
    }),
  );
  const failed = results.find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
}

async function makeSecrets(plan: BootstrapPlan, store: SecretStore, log: Logger): Promise<Map<string, SecretData>> {
  const existing = new Map<string, SecretData>();
  for (const name of secretNames(plan)) {
    const data = await store.read(name);
    if (data) existing.set(name, data);
  }
  const { writes, all } = await planSecrets(plan, existing, new Date());
  for (const { name, data, type, why } of writes) {
    await store.write(name, data, type);
    log.info({ secret: name, why }, 'wrote a Secret');
  }
  log.info({ written: writes.length, kept: all.size - writes.length }, 'Secrets are as they should be');
  return all;
}
