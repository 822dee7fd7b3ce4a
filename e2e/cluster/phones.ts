/** Phones outside of the cluster: the example's own simulator sends through a port that is forwarded to the Service of its Pipeline. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { httpServiceName } from '@millrace/cdk8s/pipeline/http.ts';
import { DEFAULT_HTTP_PORT } from '@millrace/core/spec/defaults.ts';
import { run } from '@millrace/deploy/command.ts';
import type { Kubectl } from '@millrace/deploy/kubectl.ts';
import { expect } from './expect.ts';
import { forwarded } from './forwarded.ts';

const EXAMPLE = resolve(import.meta.dirname, '../../examples/phone-sensors');
const NAME = 'phone-sensors';
const KEY = 'token';
const SENT_WITHIN_MS = 240_000;

/** The real push, and those of simulated phones, each until it is answered 200. @throws Error for one that is refused */
export async function sendPushes(kubectl: Kubectl, say: (line: string) => void): Promise<void> {
  const secrets = mkdtempSync(join(tmpdir(), 'millrace-e2e-phones-'));
  try {
    mkdirSync(join(secrets, NAME));
    writeFileSync(join(secrets, NAME, KEY), await tokenOf(kubectl), { mode: 0o600 });
    await forwarded(kubectl, httpServiceName(NAME), DEFAULT_HTTP_PORT, async (url) => {
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
  await forwarded(kubectl, httpServiceName(NAME), DEFAULT_HTTP_PORT, async (url) => {
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
