/**
 * Secrets that are given as files, such as those that Kubernetes mounts.
 *
 * Invariants: a secret is read when it is needed and never kept, so that a renewed one counts from the next connection on;
 * no error says anything of what is in the file.
 */
import { readFileSync } from 'node:fs';

/** A password: what the file holds, without one line break at its end. @throws Error naming the file, also where it is empty */
export function readPassword(file: string): string {
  const password = read(file, 'a password').replace(/\r?\n$/, '');
  if (password === '') throw new Error(`the file ${file} is empty; needed is a password in it`);
  return password;
}

/** Certificates or a key in PEM. @throws Error naming the file, also where it holds no PEM */
export function readPem(file: string): string {
  const text = read(file, 'a certificate or key');
  if (!text.includes('-----BEGIN '))
    throw new Error(`the file ${file} holds no PEM; needed is a text with a line such as -----BEGIN CERTIFICATE-----`);
  return text;
}

function read(file: string, what: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why = code === 'ENOENT' ? 'no such file' : code === 'EACCES' ? 'this user may not read it' : message;
    throw new Error(`the file ${file} cannot be read: ${why}; needed is one with ${what}`, { cause: error });
  }
}
