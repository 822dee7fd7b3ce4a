/**
 * Certificates that were renewed come to the servers while they run: Kafka reads its keystore again when its setting is set,
 * be it to what it was (KIP-226, KAFKA-14136), PostgreSQL its files when it is told to read its configuration. Neither needs a
 * right in Kubernetes; done is what a client sees.
 */
import type { Logger } from '@millrace/core/log.ts';
import { openAccess, openDatabase } from './accounts.ts';
import type { BootstrapPlan } from './plan.ts';
import type { SecretData } from './secrets.ts';
import { untilShown } from './shown.ts';

type Secrets = ReadonlyMap<string, SecretData>;

interface Within {
  /** As of performance.now(). */
  deadline: number;
  signal: AbortSignal;
  log: Logger;
}

/** @throws Error where a broker does not answer, or shows another certificate in the end */
export async function renewKafka(plan: NonNullable<BootstrapPlan['kafka']>, secrets: Secrets, within: Within): Promise<void> {
  const { secret, hosts, port, keystore, listeners } = plan.certificate;
  const settings = Object.fromEntries(listeners.map((name) => [`listener.name.${name}.ssl.keystore.location`, keystore]));
  const access = openAccess(plan, secrets, within.log);
  try {
    await untilShown({
      what: 'Kafka',
      places: hosts.map((host) => ({ host, port, protocol: 'tls' })),
      certificate: secrets.get(secret)?.['tls.crt'] ?? '',
      reload: () => access.setOnEachBroker(settings),
      ...within,
    });
  } finally {
    access.close();
  }
}

/** @throws Error where the database does not answer, or shows another certificate in the end */
export async function renewDatabase(
  plan: NonNullable<BootstrapPlan['database']>,
  secrets: Secrets,
  within: Within,
): Promise<void> {
  const { host, port, server } = plan;
  if (server.of !== 'us') throw new Error(`the certificate of the database at ${host}:${port} is its operator's`);
  await untilShown({
    what: 'the database',
    places: [{ host, port, protocol: 'postgresql' }],
    certificate: secrets.get(server.certificate)?.['tls.crt'] ?? '',
    reload: async () => {
      const client = await openDatabase(plan, secrets, within.log);
      try {
        await client.query('SELECT pg_reload_conf()');
      } finally {
        await client.end();
      }
    },
    ...within,
  });
}
