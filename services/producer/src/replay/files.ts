/** From `source.replay.path` to the files in order, each with its format, and what tells them from other files. */
import { createHash } from 'node:crypto';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { isAbsolute, resolve } from 'node:path';
import type { Replay } from '@millrace/core/spec/source.ts';
import glob from 'fast-glob';
import { isUrl, shown, versionOf } from './http.ts';
import { InputError } from './piece.ts';

export type Format = NonNullable<Replay['format']>;

export interface InputFile {
  /** Absolute path, or URL. */
  path: string;
  /** For messages. */
  name: string;
  format: Format;
  /** Name, size and a hash of both ends; of a URL what the server says; null where nothing tells. */
  identity: string | null;
}

const FORMATS: Record<string, Format> = { csv: 'csv', json: 'json', ndjson: 'ndjson', jsonl: 'ndjson' };
const END_BYTES = 65_536;

/**
 * The files that `path` names: a URL, a file (relative to `folder`), or a glob, sorted by name.
 * @throws InputError naming the path and what is allowed
 */
export async function findFiles(
  replay: Pick<Replay, 'path' | 'format'>,
  folder: string,
  signal: AbortSignal,
): Promise<InputFile[]> {
  const { path } = replay;
  if (isUrl(path)) {
    if (!URL.canParse(path)) throw new InputError(`source.replay.path ${JSON.stringify(path)} is no URL`);
    if (new URL(path).username !== '')
      throw new InputError(`source.replay.path ${shown(path)} holds a user name; allowed is a URL without a login`);
    const version = await versionOf(path, signal);
    const identity = version === null ? null : `${shown(path)} ${version}`;
    return [{ path, name: shown(path), format: replay.format ?? formatOf(new URL(path).pathname), identity }];
  }
  return Promise.all(
    (await pathsOf(path, folder)).map(async (file) => ({
      path: file,
      name: file,
      format: replay.format ?? formatOf(file),
      identity: await identityOf(file),
    })),
  );
}

/** One text for all files, in order; null where one of them cannot be told from another version of itself. */
export function identityOfAll(files: readonly InputFile[]): string | null {
  const identities = files.map((file) => file.identity);
  return identities.includes(null) ? null : createHash('sha256').update(identities.join('\n')).digest('hex').slice(0, 32);
}

async function pathsOf(path: string, folder: string): Promise<string[]> {
  const whole = isAbsolute(path) ? path : resolve(folder, path);
  const found = await stat(whole).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null; // may be a glob
    throw new InputError(`source.replay.path: ${whole} cannot be read: ${error.message}`, { cause: error });
  });
  if (found?.isDirectory())
    throw new InputError(`source.replay.path: ${whole} is a folder; allowed is a file, a glob such as ${path}/*.csv, or a URL`);
  if (found && !found.isFile())
    throw new InputError(`source.replay.path: ${whole} is no regular file; allowed is a file, a glob or an http(s) URL`);
  if (found) return [whole];
  if (!glob.isDynamicPattern(path))
    throw new InputError(`source.replay.path: there is no file ${whole}; allowed is a file, a glob or an http(s) URL`);
  const paths = await glob(path, { cwd: folder, absolute: true, onlyFiles: true });
  if (paths.length === 0) throw new InputError(`source.replay.path: no file matches ${path} in ${folder}`);
  return paths.sort();
}

function formatOf(path: string): Format {
  const extension = /\.([^./\\]+?)(?:\.gz)?$/i.exec(path)?.[1]?.toLowerCase() ?? '';
  const format = FORMATS[extension];
  if (!format)
    throw new InputError(
      `the name of ${path} does not tell its format; allowed are .csv, .json, .ndjson and .jsonl, each also with .gz, or set source.replay.format`,
    );
  return format;
}

async function identityOf(path: string): Promise<string> {
  let file: FileHandle | null = null;
  try {
    file = await open(path);
    const { size } = await file.stat();
    const hash = createHash('sha256');
    for (const position of [0, Math.max(0, size - END_BYTES)]) {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(END_BYTES), 0, END_BYTES, position);
      hash.update(buffer.subarray(0, bytesRead));
    }
    return `${path} ${size} ${hash.digest('hex')}`;
  } catch (error) {
    throw new InputError(`${path} cannot be read: ${(error as Error).message}`, { cause: error });
  } finally {
    await file?.close();
  }
}
