/** Who a source of MQTT is to its broker: files of Secrets (`<folder>/<name of the Secret>/<key>`), as Kubernetes mounts them. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readPassword, readPem } from '@millrace/core/secretFile.ts';
import type { Mqtt } from '@millrace/core/spec/source.ts';

export interface Credentials {
  /** null: the URL says that there is no TLS. */
  tls: { ca?: string; cert?: string; key?: string } | null;
  username?: string;
  password?: Buffer;
}

/**
 * Read anew for each connection, so that a renewed certificate counts from the next one on.
 * @throws Error naming the file or folder that cannot be used, never what is in it
 */
export function readCredentials({ url, tls, auth }: Mqtt & { url: string }, secrets: string | null): Credentials {
  const folderOf = (member: string, name: string, keys: string): string => {
    if (secrets !== null) return join(secrets, name);
    throw new Error(
      `spec.source.mqtt.${member}.secretRef names the Secret ${name}, and no folder of Secrets is given; give it by --secrets (or MILLRACE_SECRETS): it holds ${name}/ with the files ${keys}`,
    );
  };
  const login = auth && folderOf('auth', auth.secretRef.name, 'username and password');
  const trust = tls && folderOf('tls', tls.secretRef.name, 'ca.crt, and for mutual TLS tls.crt and tls.key');
  return {
    tls: /^mqtts:/i.test(url) ? (trust === undefined ? {} : readTls(trust)) : null,
    ...(login === undefined
      ? {}
      : { username: readPassword(join(login, 'username')), password: Buffer.from(readPassword(join(login, 'password'))) }),
  };
}

function readTls(folder: string): NonNullable<Credentials['tls']> {
  const [certFile, keyFile] = [join(folder, 'tls.crt'), join(folder, 'tls.key')];
  const ca = readPem(join(folder, 'ca.crt'));
  // One of both is a mistake, which reading them names.
  if (!existsSync(certFile) && !existsSync(keyFile)) return { ca };
  return { ca, cert: readPem(certFile), key: readPem(keyFile) };
}
