/**
 * From what a plan wants and which Secrets there are to the Secrets that have to be written.
 *
 * Invariants: what is there and good is never touched, so a second run changes nothing; a password that is there is never
 * replaced; the authority is made only where there is none, and everything signed by another one is made anew.
 */
import { randomBytes } from 'node:crypto';
import { DEVICE_AUTHORITY, flawOf, type KeyPair, makeAuthority, makeClient, makeServer } from './certificates.ts';
import { type BootstrapPlan, loginsOf, type ServerPlan } from './plan.ts';

/** Content of a Secret by key. */
export type SecretData = Readonly<Record<string, string>>;

export interface Written {
  name: string;
  data: SecretData;
  /** Where it is made; one that is there keeps its own. */
  type?: string;
  /** For the log. */
  why: string;
}

/** @param existing content of those that are there @returns what to write, in order; and the content of all afterwards */
export async function planSecrets(
  plan: BootstrapPlan,
  existing: ReadonlyMap<string, SecretData>,
  now: Date,
): Promise<{ writes: Written[]; all: Map<string, SecretData> }> {
  const writes: Written[] = [];
  const all = new Map(existing);
  const write = (name: string, data: SecretData, why: string, type?: string): void => {
    writes.push({ name, data, why, ...(type === undefined ? {} : { type }) });
    all.set(name, data);
  };

  const found = existing.get(plan.authority);
  const authority = found ? authorityIn(plan.authority, found) : await makeAuthority('Millrace', now);
  if (!found) write(plan.authority, { 'tls.crt': authority.certificate, 'tls.key': authority.key }, 'there is no authority');
  for (const server of plan.servers) {
    const old = existing.get(server.secret);
    const flaw = old ? await serverFlaw(server, old, authority, now) : 'it is not there';
    if (flaw !== null) write(server.secret, await serverData(server, old, authority, now), flaw);
  }
  for (const { user, secret, type } of loginsOf(plan)) {
    const old = existing.get(secret);
    const data = {
      username: user,
      password: old?.password || randomBytes(24).toString('hex'),
      ...(type === undefined ? { 'ca.crt': authority.certificate } : {}),
    };
    if (!old) write(secret, data, 'it is not there', type);
    else if (Object.entries(data).some(([key, value]) => old[key] !== value))
      write(secret, { ...old, ...data }, 'user or authority are others');
  }
  if (plan.devices) await planDevices(plan.devices, { authority, existing, now, write });
  return { writes, all };
}

interface Planning {
  authority: KeyPair;
  existing: ReadonlyMap<string, SecretData>;
  now: Date;
  write(name: string, data: SecretData, why: string): void;
}

async function planDevices(
  { authority: own, clients, tokens }: NonNullable<BootstrapPlan['devices']>,
  { authority, existing, now, write }: Planning,
): Promise<void> {
  const found = existing.get(own.secret);
  if (found) authorityIn(own.secret, found);
  else {
    const { certificate, key } = await makeAuthority(DEVICE_AUTHORITY, now);
    write(own.secret, { 'tls.crt': certificate, 'tls.key': key }, 'there is no authority of devices');
  }
  for (const { secret, commonName } of clients) {
    const old = existing.get(secret);
    const flaw = old ? await clientFlaw(old, authority, now) : 'it is not there';
    if (flaw === null) continue;
    const { certificate, key } = await makeClient(authority, commonName, now);
    write(secret, { ...old, 'tls.crt': certificate, 'tls.key': key, 'ca.crt': authority.certificate }, flaw);
  }
  for (const { secret } of tokens)
    if (!existing.has(secret)) write(secret, { admin: randomBytes(24).toString('hex') }, 'it is not there');
}

async function clientFlaw(data: SecretData, authority: KeyPair, now: Date): Promise<string | null> {
  if (data['ca.crt'] !== authority.certificate) return 'the authority is another';
  return flawOf(data['tls.crt'] ?? '', authority, [], now);
}

/** @throws Error where half of it is missing: a new one would cut off everybody who trusts the old one */
function authorityIn(name: string, data: SecretData): KeyPair {
  const { 'tls.crt': certificate, 'tls.key': key } = data;
  if (!certificate || !key)
    throw new Error(
      `the Secret ${name} has no ${certificate ? 'tls.key' : 'tls.crt'}; give it back, or delete the Secret to make a new authority`,
    );
  return { certificate, key };
}

async function serverFlaw(server: ServerPlan, data: SecretData, authority: KeyPair, now: Date): Promise<string | null> {
  if (data['ca.crt'] !== authority.certificate) return 'the authority is another';
  if (server.clusterId && !data['cluster-id']) return 'it has no cluster-id';
  return flawOf(data['tls.crt'] ?? '', authority, server.hosts, now);
}

async function serverData(server: ServerPlan, old: SecretData | undefined, authority: KeyPair, now: Date): Promise<SecretData> {
  const { certificate, key } = await makeServer(authority, server.commonName, server.hosts, now);
  return {
    'tls.crt': certificate,
    'tls.key': key,
    'ca.crt': authority.certificate,
    ...(server.keystore ? { 'keystore.pem': `${key.trimEnd()}\n${certificate.trimEnd()}\n` } : {}),
    // A volume remembers it: never another one.
    ...(server.clusterId ? { 'cluster-id': old?.['cluster-id'] || clusterId() } : {}),
  };
}

/** As Kafka makes them: 16 random bytes as base64url; none begins with -, which a command line takes for an option. */
export function clusterId(): string {
  for (;;) {
    const id = randomBytes(16).toString('base64url');
    if (!id.startsWith('-')) return id;
  }
}
