/**
 * Which certificate a server shows, by opening a connection as a client would; and waiting until it shows the one that its
 * Secret holds. PostgreSQL takes TLS after a request of its own:
 * https://www.postgresql.org/docs/current/protocol-message-formats.html (SSLRequest).
 */
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import type { Logger } from '@millrace/core/log.ts';

export type Protocol = 'tls' | 'postgresql';

export interface Shown {
  host: string;
  port: number;
  protocol: Protocol;
}

const WITHIN_MS = 5_000;
const AGAIN_MS = 5_000;
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]);

/** SHA-256 of the certificate that it shows now. Nobody is trusted and nothing is sent. @throws Error where nobody answers within 5 s */
export async function shownBy({ host, port, protocol }: Shown): Promise<string> {
  const signal = AbortSignal.timeout(WITHIN_MS);
  const socket = connect({ host, port });
  try {
    await once(socket, 'connect', { signal });
    if (protocol === 'postgresql') await asPostgres(socket, signal);
    const secure = connectTls({ socket, servername: host, rejectUnauthorized: false });
    try {
      await once(secure, 'secureConnect', { signal });
      return secure.getPeerCertificate().fingerprint256;
    } finally {
      secure.destroy();
    }
  } catch (error) {
    throw new Error(`${host}:${port} shows no certificate: ${(error as Error).message}`, { cause: error });
  } finally {
    socket.destroy();
  }
}

async function asPostgres(socket: Socket, signal: AbortSignal): Promise<void> {
  socket.write(SSL_REQUEST);
  const [answer] = (await once(socket, 'data', { signal })) as [Buffer];
  if (answer.toString('latin1') !== 'S') throw new Error('the server does not take TLS');
}

export interface Renewal {
  /** For the log and errors. */
  what: string;
  places: readonly Shown[];
  /** PEM, of the Secret. */
  certificate: string;
  /** Lets the server read its files again; they may not have come to it yet. */
  reload(): Promise<void>;
  /** When it is given up, as of performance.now(). */
  deadline: number;
  signal: AbortSignal;
  log: Logger;
}

/** Reloads until all of them show the certificate; nothing where they do already. @throws Error naming who does not in time */
export async function untilShown({ what, places, certificate, reload, deadline, signal, log }: Renewal): Promise<void> {
  const wanted = new X509Certificate(certificate).fingerprint256;
  for (;;) {
    const others: string[] = [];
    for (const place of places) if ((await shownBy(place)) !== wanted) others.push(`${place.host}:${place.port}`);
    if (others.length === 0) return log.info({ servers: places.length }, `${what} shows the certificate of its Secret`);
    if (performance.now() > deadline)
      throw new Error(
        `${what} still shows an older certificate at ${others.join(', ')}: look whether the Secret has come to its pods`,
      );
    log.info({ servers: others }, `${what} is asked to read its certificate again`);
    await reload();
    await sleep(AGAIN_MS, undefined, { signal });
  }
}
