/** What options and variables say of the database: a URL, or its parts. */
import type { DatabaseAddress } from '@millrace/core/database/connect.ts';
import { withoutPassword } from '@millrace/core/database/describe.ts';
import { readPassword, readPem } from '@millrace/core/secretFile.ts';
import { UsageError } from '../usage.ts';
import { usable } from './kafka.ts';
import { called, type ServerOptions } from './options.ts';

const SSL_MODES = ['verify-full', 'verify-ca', 'require', 'disable'] as const;
const PARTS = ['databasePort', 'databaseName', 'databaseUser', 'databaseSslmode', 'databaseCa'] as const;

/**
 * What the options say of the database; null where they name none. Files are looked at now, and read again for each connection.
 * @throws UsageError for a URL that is none of PostgreSQL's, parts that do not fit, a file that cannot be used
 */
export function databaseOf(options: ServerOptions): DatabaseAddress | null {
  const { database, databaseHost, databasePasswordFile: passwordFile } = options;
  if (database !== undefined && databaseHost !== undefined)
    throw new UsageError(`${called('database')} and ${called('databaseHost')} are given; allowed is one of both`);
  if (databaseHost === undefined) {
    const part = PARTS.find((name) => options[name] !== undefined);
    if (part !== undefined) throw new UsageError(`${called(part)} is given, and ${called('databaseHost')} is missing`);
  }
  if (passwordFile !== undefined) usable('databasePasswordFile', passwordFile, readPassword);
  const url = databaseHost === undefined ? database : urlOf(databaseHost, options);
  if (url === undefined) {
    if (passwordFile === undefined) return null;
    throw new UsageError(`${called('databasePasswordFile')} is given, and ${called('databaseHost')} is missing`);
  }
  if (!/^postgres(ql)?:\/\//.test(url) || !URL.canParse(url))
    throw new UsageError(
      `${called('database')} is ${withoutPassword(url)}; allowed is postgres://user:password@host:port/database`,
    );
  if (passwordFile === undefined) return { url };
  if (withoutPassword(url) !== new URL(url).href)
    throw new UsageError(
      `${called('database')} has a password, and ${called('databasePasswordFile')} is given; allowed is one of both`,
    );
  return { url, passwordFile };
}

/** The parts as a URL. `uselibpqcompat` gives `sslmode` the meanings that it has in PostgreSQL's documentation. */
function urlOf(host: string, options: ServerOptions): string {
  const { databasePort: port = '5432', databaseSslmode: mode = SSL_MODES[0], databaseCa: ca } = options;
  if (!/^[\w.-]+$|^\[?[0-9a-fA-F:]+\]?$/.test(host))
    throw new UsageError(`${called('databaseHost')} is ${JSON.stringify(host)}; allowed is the name or address of a host`);
  if (!/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65_535)
    throw new UsageError(`${called('databasePort')} is ${JSON.stringify(port)}; allowed is 1 to 65535`);
  if (!SSL_MODES.some((name) => name === mode))
    throw new UsageError(`${called('databaseSslmode')} is ${JSON.stringify(mode)}; allowed are ${SSL_MODES.join(', ')}`);
  if (mode === 'verify-ca' && ca === undefined)
    throw new UsageError(`${called('databaseSslmode')} is verify-ca, which needs ${called('databaseCa')}`);
  if (mode === 'disable' && ca !== undefined)
    throw new UsageError(`${called('databaseSslmode')} is disable, and ${called('databaseCa')} is given; allowed is one of both`);
  if (ca !== undefined) usable('databaseCa', ca, readPem);
  const url = new URL(`postgres://${host.includes(':') && !host.startsWith('[') ? `[${host}]` : host}:${port}`);
  url.username = encodeURIComponent(needed('databaseUser', options));
  url.pathname = `/${encodeURIComponent(needed('databaseName', options))}`;
  url.searchParams.set('sslmode', mode);
  if (ca !== undefined) url.searchParams.set('sslrootcert', ca);
  url.searchParams.set('uselibpqcompat', 'true');
  return url.href;
}

function needed(name: 'databaseUser' | 'databaseName', options: ServerOptions): string {
  const text = options[name];
  if (!text) throw new UsageError(`${called('databaseHost')} is given, and ${called(name)} is missing`);
  return text;
}
