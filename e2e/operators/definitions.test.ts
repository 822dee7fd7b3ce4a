/**
 * What we ask operators of others for, against their own definitions: no member that they do not know, none missing, none of another
 * type. Without Go, or without Java and Maven, it is skipped.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Manifest } from '@millrace/cdk8s/constructs/manifest.ts';
import { CLOUDNATIVEPG_API } from '@millrace/cdk8s/platform/cloudNativePg.ts';
import { STRIMZI_API } from '@millrace/cdk8s/platform/strimzi.ts';
import { sampleManifests } from '@millrace/cdk8s/samples.ts';
import { documents } from '@millrace/deploy/kubectl.ts';
import { afterAll, describe, expect, test } from 'vitest';
import { goTool } from '../../scripts/goTools.ts';
import { FILE_TEMPLATE, schemasOf } from '../cluster/schemas.ts';
import { cloudNativePgDefinitions, type Definition, openApiOf, strimziDefinitions } from './definitions.ts';

const has = (program: string): boolean => spawnSync(program, ['-version']).error === undefined;
const judge = goTool('kubeconform');
const folder = mkdtempSync(join(tmpdir(), 'millrace-definitions-'));
afterAll(() => rmSync(folder, { recursive: true }));

const all = [...(await sampleManifests()).values()].flat();

const OPERATORS: [string, string, string[], boolean, () => Definition[] | null | Promise<Definition[]>][] = [
  ['Strimzi', STRIMZI_API, ['KafkaTopic', 'KafkaUser'], judge !== null && has('java') && has('mvn'), strimziDefinitions],
  ['CloudNativePG', CLOUDNATIVEPG_API, ['Cluster', 'Database', 'DatabaseRole'], judge !== null, cloudNativePgDefinitions],
];

describe.each(OPERATORS)('%s', (_, api, kinds, can, definitions) => {
  test.skipIf(!can)(`what it is asked for is as it defines it${can ? '' : ' (skipped: needs Go, Java and Maven)'}`, async () => {
    for (const [file, schema] of schemasOf(openApiOf((await definitions()) ?? [])))
      writeFileSync(join(folder, file), JSON.stringify(schema));
    const asked = all.filter(({ apiVersion }) => apiVersion === api);
    expect([...new Set(asked.map(({ kind }) => kind))].toSorted()).toEqual(kinds);
    expect(problemsOf(asked)).toEqual([]);
    // That it says yes is worth something only if it can say no.
    for (const one of asked) {
      const spec = { ...(one.spec as object), unknown: 1 };
      expect(problemsOf([{ ...one, spec }])).toHaveLength(1);
    }
  });
});

function problemsOf(manifests: readonly Manifest[]): string[] {
  const words = ['-strict', '-output', 'json', '-schema-location', join(folder, FILE_TEMPLATE), '-'];
  const { stdout, stderr } = spawnSync(judge ?? '', words, { input: documents(manifests), encoding: 'utf8' });
  if (stdout === '') throw new Error(`kubeconform: ${stderr}`);
  const { resources } = JSON.parse(stdout) as { resources: { kind: string; name: string; status: string; msg: string }[] };
  return resources
    .filter(({ status }) => status !== 'statusValid')
    .map(({ kind, name, status, msg }) => `${kind} ${name}: ${status} ${msg}`);
}
