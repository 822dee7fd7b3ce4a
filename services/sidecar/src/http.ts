/** One HTTP request with a time-out, by Node's own client: a client of Kubernetes would take more memory than all the rest. */
import { request as overHttp, type RequestOptions } from 'node:http';
import { request as overHttps } from 'node:https';
import { text } from 'node:stream/consumers';

const WITHIN_MS = 10_000;

export interface Answer {
  status: number;
  body: string;
}

/** @throws Error that names the address where nobody answers within 10 s */
export async function ask(url: URL, options: RequestOptions & { ca?: string }): Promise<Answer> {
  const send = url.protocol === 'https:' ? overHttps : overHttp;
  try {
    return await new Promise<Answer>((resolve, reject) => {
      const request = send(url, { ...options, signal: AbortSignal.timeout(WITHIN_MS), agent: false }, (response) => {
        text(response).then((body) => resolve({ status: response.statusCode ?? 0, body }), reject);
      });
      request.on('error', reject);
      request.end();
    });
  } catch (error) {
    throw new Error(`${url.origin} does not answer: ${(error as Error).message}`, { cause: error });
  }
}
