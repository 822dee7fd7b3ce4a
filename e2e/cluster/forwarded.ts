/** A Service of the cluster on this machine, as `kubectl port-forward` opens it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Kubectl } from '@millrace/deploy/kubectl.ts';

const OPEN_WITHIN_MS = 30_000;

/** @param use is given where the Service is found while it runs @returns what that returns */
export async function forwarded<T>(
  kubectl: Kubectl,
  service: string,
  port: number,
  use: (url: string) => Promise<T>,
): Promise<T> {
  const [program = '', ...words] = kubectl.words('port-forward', '--address=127.0.0.1', `service/${service}`, `:${port}`);
  // A group of its own: what kubelab calls kubectl by does not take a signal on to it.
  const child = spawn(program, words, { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  const closed = once(child, 'close');
  let said = '';
  const here = Promise.withResolvers<string>();
  const fail = (): void => here.reject(new Error(`the port of ${service} is not forwarded: ${said}`));
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
    const found = /127\.0\.0\.1:(\d+) ->/.exec(said)?.[1];
    if (found !== undefined) here.resolve(found);
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  closed.then(fail, here.reject);
  const late = setTimeout(fail, OPEN_WITHIN_MS);
  try {
    return await use(`http://127.0.0.1:${await here.promise}`);
  } finally {
    clearTimeout(late);
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) process.kill(-child.pid);
    await closed;
  }
}
