/** Phones outside of the cluster: the example's own simulator sends through a port that is forwarded to the Service of its Pipeline. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { httpServiceName } from '@millrace/cdk8s/pipeline/http.ts';
import { DEFAULT_HTTP_PORT } from '@millrace/core/spec/defaults.ts';
import { run } from '@millrace/deploy/command.ts';
import type { Kubectl } from '@millrace/deploy/kubectl.ts';
import { expect } from './expect.ts';

const EXAMPLE = resolve(import.meta.dirname, '../../examples/phone-sensors');
const NAME = 'phone-sensors';
const KEY = 'token';
const OPEN_WITHIN_MS = 30_000;
const SENT_WITHIN_MS = 240_000;

/** The real push, and those of simulated phones, each until it is answered 200. @throws Error for one that is refused */
export async function sendPushes(kubectl: Kubectl, say: (line: string) => void): Promise<void> {
  const secrets = mkdtempSync(join(tmpdir(), 'millrace-e2e-phones-'));
  try {
    mkdirSync(join(secrets, NAME));
    writeFileSync(join(secrets, NAME, KEY), await tokenOf(kubectl), { mode: 0o600 });
    await forwarded(kubectl, async (url) => {
      const env = { ...process.env, MILLRACE_HTTP_URL: url, MILLRACE_SECRETS: secrets };
      const said = await run([process.execPath, join(EXAMPLE, 'simulate.ts')], { env, withinMs: SENT_WITHIN_MS });
      say(`${NAME}: ${said.trim()} through ${httpServiceName(NAME)}`);
    });
  } finally {
    rmSync(secrets, { recursive: true, force: true });
  }
}

/** 401 without a token, 403 with a wrong one (docs/decisions/0032). */
export async function checkTokens(kubectl: Kubectl): Promise<void> {
  const right = await tokenOf(kubectl);
  const wrong = `${right.slice(0, -1)}${right.endsWith('0') ? '1' : '0'}`;
  const body = readFileSync(join(EXAMPLE, 'push.json'), 'utf8');
  await forwarded(kubectl, async (url) => {
    const codeWith = async (authorization?: string): Promise<string> => {
      const headers = { 'content-type': 'application/json', ...(authorization === undefined ? {} : { authorization }) };
      const answer = await fetch(`${url}/logs`, { method: 'POST', headers, body, signal: AbortSignal.timeout(20_000) });
      const { error = '' } = (await answer.json()) as { error?: string };
      if (error.includes(right)) throw new Error('the answer holds the token');
      return `${answer.status}${error.includes('token') ? '' : ` ${error}`}`;
    };
    expect('without a token', await codeWith(), '401');
    expect('with a wrong token', await codeWith(`Bearer ${wrong}`), '403');
    // It is there already, and merged.
    expect('with the right token', (await codeWith(`Bearer ${right}`)).trim(), '200');
  });
}

async function tokenOf(kubectl: Kubectl): Promise<string> {
  return (await kubectl.run('get', 'secret', NAME, `--output=go-template={{.data.${KEY} | base64decode}}`)).trim();
}

/** @param use is given where the Service is found on this machine while it runs */
async function forwarded(kubectl: Kubectl, use: (url: string) => Promise<void>): Promise<void> {
  const target = [`service/${httpServiceName(NAME)}`, `:${DEFAULT_HTTP_PORT}`];
  const [program = '', ...words] = kubectl.words('port-forward', '--address=127.0.0.1', ...target);
  // A group of its own: what kubelab calls kubectl by does not take a signal on to it.
  const child = spawn(program, words, { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  const closed = once(child, 'close');
  let said = '';
  const port = Promise.withResolvers<string>();
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
    const found = /127\.0\.0\.1:(\d+) ->/.exec(said)?.[1];
    if (found !== undefined) port.resolve(found);
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  closed.then(() => port.reject(new Error(`the port of ${target[0]} is not forwarded: ${said}`)), port.reject);
  const late = setTimeout(() => port.reject(new Error(`the port of ${target[0]} is not forwarded: ${said}`)), OPEN_WITHIN_MS);
  try {
    await use(`http://127.0.0.1:${await port.promise}`);
  } finally {
    clearTimeout(late);
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) process.kill(-child.pid);
    await closed;
  }
}
