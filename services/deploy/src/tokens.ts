/**
 * Tokens that devices show: what Pipelines name by `source.http.auth.secretRef`. A Secret that is missing is made with a random one,
 * which nobody prints; one that is there is its maker's, and stays as it is.
 */
import { randomBytes } from 'node:crypto';
import { labelsOf } from '@millrace/cdk8s/constructs/labels.ts';
import type { Manifest } from '@millrace/cdk8s/constructs/manifest.ts';
import type { LoadedPipeline } from '@millrace/core/spec/load.ts';
import { type Ref, refOf } from './inventory.ts';
import type { Kubectl } from './kubectl.ts';

/** The part of a Pipeline that such a Secret is. */
export const TOKEN = 'token';
/** Of the Secret of a Pipeline that names none: every key of it is let in. */
const DEFAULT_KEY = 'token';
const TOKEN_BYTES = 32;

export interface TokenSecret {
  /** Of the Secret. */
  name: string;
  /** That must be in it. */
  keys: readonly string[];
  /** That named it first. */
  pipeline: string;
}

/** Each Secret once. Pure. */
export function tokenSecretsOf(pipelines: readonly LoadedPipeline[]): TokenSecret[] {
  const found = new Map<string, TokenSecret>();
  for (const { pipeline } of pipelines) {
    const ref = pipeline.spec.source.http?.auth?.secretRef;
    if (ref === undefined) continue;
    const before = found.get(ref.name) ?? { name: ref.name, keys: [], pipeline: pipeline.metadata.name };
    found.set(ref.name, { ...before, keys: [...new Set([...before.keys, ref.key ?? DEFAULT_KEY])] });
  }
  return [...found.values()];
}

/** With tokens of 256 random bits. */
export function tokenObject({ name, keys, pipeline }: TokenSecret, namespace: string): Manifest {
  const labels = labelsOf({ name: 'millrace', instance: pipeline, component: TOKEN });
  const tokens = keys.map((key) => [key, randomBytes(TOKEN_BYTES).toString('hex')]);
  return { apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace, labels }, stringData: Object.fromEntries(tokens) };
}

/** Those to make: their Secrets are not there. Also of those that a deploy made before, as things to keep. */
export interface Tokens {
  missing: readonly Manifest[];
  ours: readonly Ref[];
}

export async function tokensFor(wanted: readonly TokenSecret[], kubectl: Kubectl): Promise<Tokens> {
  if (wanted.length === 0) return { missing: [], ours: [] };
  const there = new Map((await kubectl.list<Manifest>('secrets')).map((secret) => [secret.metadata.name, secret]));
  const missing = wanted.filter(({ name }) => !there.has(name)).map((secret) => tokenObject(secret, kubectl.namespace));
  const made = wanted
    .flatMap(({ name }) => there.get(name) ?? [])
    .map((secret) => refOf({ ...secret, apiVersion: 'v1', kind: 'Secret' }));
  return { missing, ours: [...missing.map(refOf), ...made.filter(({ component }) => component === TOKEN)] };
}

/** The command that prints what a Secret holds, for people. */
export function readingOf(kubectl: Kubectl, secret: string): string {
  const template = '{{range .data}}{{. | base64decode}}{{"\\n"}}{{end}}';
  return `${kubectl.words('get', 'secret', secret).join(' ')} --output=go-template='${template}'`;
}
