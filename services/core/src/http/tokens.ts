/**
 * Bearer tokens of a Secret (RFC 6750): a folder with one file per token, as Kubernetes mounts it.
 *
 * Invariants: a token is compared in the same time wherever it differs (as digests, and with every one that is let in); no
 * message and no log holds one. Files are read again after a second, so that a renewed or a withdrawn token counts from then.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { readPassword } from '../secretFile.ts';
import { HttpRefusal } from './refusal.ts';

const FRESH_MS = 1_000;
/** A shorter one can be guessed. */
const LEAST_CHARACTERS = 16;
const CHALLENGE = 'send the header Authorization: Bearer TOKEN';

/** @returns the name of the token (its file) @throws HttpRefusal 401 where there is none, 403 for a wrong one */
export type Bearer = (header: string | undefined) => string;

/**
 * The tokens of this folder, which is looked at once now: the one of the key, or all.
 * @throws Error naming the file or folder that cannot be used, never what is in it
 */
export function bearersOf(folder: string, key?: string): Bearer {
  let digests = readDigests(folder, key);
  let readAtMs = performance.now();
  return (header) => {
    const token = /^Bearer +([\x21-\x7e]+) *$/i.exec(header ?? '')?.[1];
    if (token === undefined) throw new HttpRefusal(401, `no bearer token; ${CHALLENGE}`);
    if (performance.now() - readAtMs > FRESH_MS) {
      digests = readDigests(folder, key);
      readAtMs = performance.now();
    }
    const given = digestOf(token);
    let found: string | null = null;
    for (const [name, digest] of digests) if (timingSafeEqual(given, digest)) found = name;
    if (found === null) throw new HttpRefusal(403, `the bearer token is not one that is let in here; ${CHALLENGE}`);
    return found;
  };
}

function readDigests(folder: string, key: string | undefined): [name: string, digest: Buffer][] {
  const names = key === undefined ? filesOf(folder) : [key];
  if (names.length === 0) throw new Error(`the folder ${folder} holds no file; needed is one with a token`);
  return names.map((name) => {
    const file = join(folder, name);
    const token = readPassword(file).trim();
    if (token.length < LEAST_CHARACTERS || /[^\x21-\x7e]/.test(token))
      throw new Error(
        `the file ${file} holds no token; allowed are at least ${LEAST_CHARACTERS} printable ASCII characters without space, such as openssl rand -hex 32 gives`,
      );
    return [name, digestOf(token)];
  });
}

/** Kubernetes keeps its own links beside the keys; their names begin with a dot. */
function filesOf(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => !name.startsWith('.'));
  } catch (error) {
    throw new Error(
      `the folder ${folder} of a Secret cannot be read: ${(error as Error).message}; needed is one file per token in it`,
      {
        cause: error,
      },
    );
  }
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
