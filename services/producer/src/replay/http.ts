/** A file behind an http or https URL, streamed: never more than the chunks on their way in memory. */
import { InputError } from './piece.ts';

/** Time for the server to answer, and for each chunk that we wait for. */
const TIMEOUT_MS = 30_000;

export function isUrl(path: string): boolean {
  return /^https?:\/\//i.test(path);
}

/** The content, chunk by chunk. @throws InputError when the server does not answer in time or with success */
export async function* download(url: string, signal: AbortSignal): AsyncGenerator<Buffer> {
  const silence = new AbortController();
  const response = await request(url, AbortSignal.any([signal, silence.signal]), silence);
  if (!response.body) throw new InputError(`${shown(url)} answered without content`);
  const reader = response.body.getReader();
  try {
    for (;;) {
      const { done, value } = await inTime(url, silence, reader.read());
      if (done) return;
      yield Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    }
  } finally {
    silence.abort(); // ends the connection where it is still open
  }
}

/** What tells this version of the content from another; null where the server does not say. */
export async function versionOf(url: string, signal: AbortSignal): Promise<string | null> {
  const silence = new AbortController();
  try {
    const { headers } = await request(url, AbortSignal.any([signal, silence.signal]), silence);
    const version = headers.get('etag') ?? headers.get('last-modified');
    return version === null ? null : `${version} ${headers.get('content-length') ?? ''}`;
  } finally {
    silence.abort();
  }
}

/** The URL for messages: user info and query can hold secrets. */
export function shown(url: string): string {
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`;
}

async function request(url: string, signal: AbortSignal, silence: AbortController): Promise<Response> {
  let response: Response;
  try {
    response = await inTime(url, silence, fetch(url, { signal }));
  } catch (error) {
    const cause = (error as Error).cause;
    throw error instanceof InputError
      ? error
      : new InputError(`${shown(url)} cannot be read: ${cause instanceof Error ? cause.message : (error as Error).message}`, {
          cause: error,
        });
  }
  if (!response.ok)
    throw new InputError(`${shown(url)} answered ${response.status} ${response.statusText}; allowed is an answer of 200`);
  return response;
}

/** Rejects, and ends the request, when the server stays silent. */
async function inTime<T>(url: string, silence: AbortController, answer: Promise<T>): Promise<T> {
  const timer = setTimeout(
    () => silence.abort(new InputError(`${shown(url)} sent nothing for ${TIMEOUT_MS / 1000} s`)),
    TIMEOUT_MS,
  );
  try {
    return await answer;
  } finally {
    clearTimeout(timer);
  }
}
