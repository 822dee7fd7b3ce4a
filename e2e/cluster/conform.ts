/** Every manifest against the schemas of this very cluster: kubeconform, strict, custom resources included. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Manifest } from '@millrace/cdk8s/constructs/manifest.ts';
import { sampleManifests } from '@millrace/cdk8s/samples.ts';
import { documents, type Kubectl } from '@millrace/deploy/kubectl.ts';
import { goTool } from '../../scripts/goTools.ts';
import type { Context } from './checks.ts';
import { NotCovered } from './notCovered.ts';
import { FILE_TEMPLATE, type OpenApi, schemasOf } from './schemas.ts';

interface Report {
  resources: { kind: string; name: string; status: string; msg: string }[] | null;
  summary: { valid: number; invalid: number; errors: number; skipped: number };
}

/** Operators of others, for which there are manifests where values ask for it. */
const OF_OPERATORS = ['monitoring.coreos.com', 'keda.sh', 'kafka.strimzi.io', 'postgresql.cnpg.io'];

export async function checkConform({ kubectl, target }: Context): Promise<void> {
  const tool = goTool('kubeconform');
  if (tool === null) throw new NotCovered('manifests by kubeconform: it is built by Go, which is not there');
  const all = [...(await sampleManifests()).values()].flat();
  const paths = await apisOf(kubectl);
  const manifests = all.filter(
    ({ apiVersion }) => pathOf(apiVersion) in paths || !OF_OPERATORS.some((group) => apiVersion.startsWith(`${group}/`)),
  );
  await expectConform(tool, kubectl, paths, manifests);
  target.say(`${manifests.length} manifests conform`);
  const left = new Set(
    all.filter((manifest) => !manifests.includes(manifest)).map(({ apiVersion, kind }) => `${kind} (${apiVersion})`),
  );
  if (left.size > 0)
    target.say(`not judged, since the operators that they are for are not in this cluster: ${[...left].join(', ')}`);
}

/** @param tool kubeconform's file @throws Error naming those that are not as the API has them, or that it cannot judge */
async function expectConform(tool: string, kubectl: Kubectl, paths: Paths, manifests: readonly Manifest[]): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-schemas-'));
  try {
    await writeSchemas(folder, kubectl, paths, new Set(manifests.map(({ apiVersion }) => apiVersion)));
    const judge = (some: readonly Manifest[]): Report => {
      const words = ['-strict', '-summary', '-output', 'json', '-schema-location', join(folder, FILE_TEMPLATE), '-'];
      const { stdout, stderr, error } = spawnSync(tool, words, { input: documents(some), encoding: 'utf8', maxBuffer: 2 ** 28 });
      if (error || stdout === '') throw new Error(`kubeconform: ${error?.message ?? stderr}`);
      return JSON.parse(stdout) as Report;
    };
    const { resources, summary } = judge(manifests);
    const wrong = (resources ?? []).filter(({ status }) => status !== 'statusValid');
    if (summary.valid !== manifests.length)
      throw new Error(`${summary.valid} of ${manifests.length} manifests conform: ${told(wrong)}`);
    // That it says yes is worth something only if it can say no.
    const [first] = manifests;
    const misspelt = judge([{ ...first, spek: {} } as Manifest]).summary;
    if (misspelt.invalid !== 1) throw new Error('kubeconform does not see a member that the API does not have');
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Where the schemas of each API are to be had. */
type Paths = Record<string, { serverRelativeURL: string }>;

async function apisOf(kubectl: Kubectl): Promise<Paths> {
  return (JSON.parse(await kubectl.run('get', '--raw', '/openapi/v3')) as { paths: Paths }).paths;
}

function pathOf(apiVersion: string): string {
  return apiVersion.includes('/') ? `apis/${apiVersion}` : `api/${apiVersion}`;
}

/** Only of what is asked for: all of them are tens of megabytes. */
async function writeSchemas(folder: string, kubectl: Kubectl, paths: Paths, apiVersions: ReadonlySet<string>): Promise<void> {
  for (const apiVersion of apiVersions) {
    const path = paths[pathOf(apiVersion)];
    if (!path) throw new Error(`the cluster has no API ${apiVersion}`);
    const document = JSON.parse(await kubectl.run('get', '--raw', path.serverRelativeURL)) as OpenApi;
    for (const [file, schema] of schemasOf(document)) writeFileSync(join(folder, file), JSON.stringify(schema));
  }
}

const MOST_TOLD = 10;

/** The first ones: a mistake in one place is in many manifests. */
function told(wrong: readonly { kind: string; name: string; msg: string }[]): string {
  const lines = [...new Set(wrong.map(({ kind, name, msg }) => `${kind} ${name}: ${msg}`))];
  return lines.slice(0, MOST_TOLD).join('; ') + (lines.length > MOST_TOLD ? `; and ${lines.length - MOST_TOLD} more` : '');
}
