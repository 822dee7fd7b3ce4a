/** Where `millrace device` finds the authority of devices and the records of certificates, and who is at work. */
import { hostname, userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import { connectDatabase } from '@millrace/core/database/connect.ts';
import { describeDatabaseError, withoutPassword } from '@millrace/core/database/describe.ts';
import type { Authority } from '@millrace/identity/authority.ts';
import { ensureAuthority, readAuthority } from '@millrace/identity/authorityFolder.ts';
import { type Identity, identityOf } from '@millrace/identity/identity.ts';
import { IdentityRefused } from '@millrace/identity/refused.ts';
import { type Command, Option } from 'commander';
import type { Pool } from 'pg';
import { quietLog } from '../log.ts';
import { readState } from '../run/state.ts';
import { databaseOf } from '../servers/database.ts';
import { type ServerOptions, serverOptions } from '../servers/options.ts';
import { UsageError } from '../usage.ts';
import { publishCrl } from './files.ts';

export interface DeviceOptions extends ServerOptions {
  ca?: string;
  crl?: string;
}

/** In the data folder, where nothing else is named. */
const OWN_FOLDER = 'device-ca';

/** Adds the options by which a command finds them. */
export function deviceOptions(command: Command): Command {
  return serverOptions(
    command
      .addOption(
        new Option(
          '--ca <folder>',
          `authority of devices: a folder with tls.crt and tls.key; default: ${OWN_FOLDER} in the data folder, made at the first need`,
        ).env('MILLRACE_DEVICE_CA'),
      )
      .addOption(
        new Option(
          '--crl <file>',
          'where the list of revoked certificates is kept for a broker; default: crl.pem beside the authority in the data folder',
        ).env('MILLRACE_DEVICE_CRL'),
      ),
  );
}

export interface Opened {
  identity: Identity;
  authority: Authority;
  /** Writes the newest list of revoked certificates where a broker reads it. @returns the file; null: none is named */
  publish(): Promise<string | null>;
}

/** @throws UsageError for what is asked wrongly, and where no database is known */
export async function withIdentity<T>(options: DeviceOptions, work: (opened: Opened) => Promise<T>): Promise<T> {
  const own = resolve(options.data, OWN_FOLDER);
  const authority = options.ca === undefined ? await ensureAuthority(own, new Date()) : await readAuthority(resolve(options.ca));
  const crlFile = options.crl ?? (options.ca === undefined ? join(own, 'crl.pem') : null);
  return withRecords(options, async (pool, by) => {
    const identity = identityOf({ pool, authority, by });
    const publish = async (): Promise<string | null> => {
      if (crlFile !== null) await publishCrl(crlFile, (await identity.crl()).pem);
      return crlFile;
    };
    return work({ identity, authority, publish });
  });
}

/** A pod's user has a number only. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `user ${process.getuid?.() ?? 'unknown'}`;
  }
}

/** The database with what is recorded of devices, and who is at work. @throws UsageError as above */
export async function withRecords<T>(options: ServerOptions, work: (pool: Pool, by: string) => Promise<T>): Promise<T> {
  const url = readState(options.data)?.databaseUrl;
  const address = databaseOf(options) ?? (url ? { url } : null);
  if (address === null)
    throw new UsageError(
      `no database is given, and no \`millrace run\` with its own is running in ${options.data}: start one there, or give --database`,
    );
  const pool = connectDatabase({ ...address, applicationName: 'millrace device', max: 2, log: quietLog() });
  try {
    await pool.query('SELECT 1').catch((cause: unknown) => {
      throw new Error(describeDatabaseError(cause, withoutPassword(address.url)), { cause });
    });
    return await work(pool, `${userName()}@${hostname()}`);
  } catch (error) {
    throw error instanceof IdentityRefused ? new UsageError(error.message, { cause: error }) : error;
  } finally {
    await pool.end();
  }
}
