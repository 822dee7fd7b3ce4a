/** Which database there is, and how others find it, get in and are let there: our own, one of CloudNativePG, or one of somebody else. */
import { selectorOf } from '../constructs/labels.ts';
import { secretKeysMount, secretMount } from '../constructs/mounts.ts';
import type { Flow } from '../constructs/networkPolicy.ts';
import type { Mount } from '../constructs/pod.ts';
import { DATABASE, DATABASE_PORT, type DatabaseRole, databaseSecret, hostOf } from './names.ts';
import type { Values } from './values.ts';

/** The Cluster that is made where none is named. */
const MADE = 'database';

export const isOwnDatabase = ({ database }: Values): boolean =>
  database.external === undefined && database.cloudnativepg === undefined;

/** The Cluster of CloudNativePG; null where the database is none. */
export function clusterOf({ database: { cloudnativepg } }: Values): string | null {
  return cloudnativepg === undefined ? null : (cloudnativepg.cluster ?? MADE);
}

/** As CloudNativePG labels every pod of a Cluster. */
export const instancesOf = (cluster: string): Record<string, string> => ({ 'cnpg.io/cluster': cluster });

/** Where clients find it. */
export function databaseOf(values: Values): { host: string; port: number; name: string } {
  const { external, name } = values.database;
  const cluster = clusterOf(values);
  const host = external?.host ?? hostOf(cluster === null ? 'database' : `${cluster}-rw`, values);
  return { host, port: external?.port ?? DATABASE_PORT, name };
}

/** From a client to it. */
export function databaseFlow(values: Values): Flow {
  const cluster = clusterOf(values);
  const { port } = databaseOf(values);
  if (values.database.external) return { peers: ['anywhere'], ports: [port] };
  return { peers: [{ pods: cluster === null ? selectorOf(DATABASE) : instancesOf(cluster) }], ports: [port] };
}

/** The certificate that the server is known by, without its key, which is in the same Secret. */
const authorityIn = (cluster: string) => ({ secret: `${cluster}-ca`, keys: ['ca.crt'] });

/** `ca.crt` and a role's `password` in a folder. */
export function databaseMount(role: DatabaseRole, folder: string, values: Values): Mount {
  const secret = databaseSecret(role);
  const cluster = clusterOf(values);
  return cluster === null
    ? secretMount(secret, folder)
    : secretKeysMount(secret, folder, [{ secret, keys: ['password'] }, authorityIn(cluster)]);
}

/** Only `ca.crt` of a Cluster. */
export function authorityMount(cluster: string, folder: string): Mount {
  return secretKeysMount('database-ca', folder, [authorityIn(cluster)]);
}
