/**
 * Beside Mosquitto: keeps its list of revoked certificates the newest there is, and lets it read that and a renewed certificate of its own.
 *
 * Invariants: no list takes the place of another one unless devices' own authority signed it and it is newer: who answers in the
 * place of the service that gives it can withhold lists, and not undo one. The file is always whole.
 */
import 'reflect-metadata';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '@millrace/core/log.ts';
import { readPem } from '@millrace/core/secretFile.ts';
import { X509Certificate, X509Crl } from '@peculiar/x509';

const LOOK_MS = 5_000;
const ASK_MS = 10_000;
const MOST_BYTES = 16 * 1_048_576;

export interface BrokerFilesOptions {
  /** Where the newest list is given: `…/crl.pem` of the role devices. */
  url: URL;
  /** PEM file with devices' authority. */
  authority: string;
  /** The list as the broker reads it. */
  crl: string;
  /** Files that it reads again as well. */
  watched: readonly string[];
  /** Lets it read them. */
  reload(): void;
  log: Logger;
}

/** Looks once. @returns whether the broker was told to read @throws Error in a sentence; what is there stays */
export async function lookOnce(options: BrokerFilesOptions, seen: { digest: string | null }): Promise<boolean> {
  const { url, authority, crl, watched, reload, log } = options;
  const trouble = await takeList(url, authority, crl).then(
    (isNew) => {
      if (isNew) log.info({ crl }, 'the list of revoked certificates is new');
      return null;
    },
    (error: unknown) => error,
  );
  const digest = digestOf([crl, ...watched].filter((file) => existsSync(file)));
  const isTold = digest !== seen.digest;
  if (isTold) reload();
  seen.digest = digest;
  if (trouble !== null) throw trouble;
  return isTold;
}

/** Until the signal; what goes wrong is told once, and tried again. */
export async function keepBrokerFiles(options: BrokerFilesOptions, signal: AbortSignal): Promise<void> {
  const seen = { digest: null };
  let told = '';
  while (!signal.aborted) {
    try {
      if (await lookOnce(options, seen)) options.log.info('the broker reads its files again');
      told = '';
    } catch (error) {
      const { message } = error as Error;
      if (message !== told)
        options.log.warn({ error: message }, 'what is new for the broker cannot be taken up now; tried again');
      told = message;
    }
    await sleep(LOOK_MS, undefined, { signal }).catch(() => undefined); // an abort ends the loop
  }
}

async function takeList(url: URL, authority: string, file: string): Promise<boolean> {
  const pem = await given(url);
  const next = await verified(pem, authority, url.href);
  const current = existsSync(file) ? new X509Crl(readFileSync(file, 'utf8')) : null;
  if (current !== null && next.thisUpdate <= current.thisUpdate) return false;
  writeFileSync(`${file}.new`, pem);
  renameSync(`${file}.new`, file);
  return true;
}

async function given(url: URL): Promise<string> {
  let answer: Response;
  try {
    answer = await fetch(url, { signal: AbortSignal.timeout(ASK_MS) });
  } catch (error) {
    throw new Error(`${url.href} does not answer: ${(error as Error).message}`, { cause: error });
  }
  const pem = await answer.text();
  if (!answer.ok) throw new Error(`${url.href} answers ${answer.status}: ${pem.slice(0, 200)}`);
  if (pem.length > MOST_BYTES) throw new Error(`${url.href} gives ${pem.length} bytes; allowed are ${MOST_BYTES}`);
  return pem;
}

async function verified(pem: string, authority: string, from: string): Promise<X509Crl> {
  const issuer = new X509Certificate(readPem(authority));
  try {
    const crl = new X509Crl(pem);
    if (await crl.verify({ publicKey: issuer })) return crl;
  } catch (error) {
    throw new Error(`${from} gives no list of revoked certificates: ${(error as Error).message}`, { cause: error });
  }
  throw new Error(`${from} gives a list of revoked certificates that the authority of devices has not signed`);
}

function digestOf(files: readonly string[]): string {
  const hash = createHash('sha256');
  for (const file of files) hash.update(file).update(readFileSync(file));
  return hash.digest('hex');
}
