/** The files of a replay that lie beside its Pipeline, as the ConfigMap that the Pipeline names for the cluster. */
import { globSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { labelsOf } from '@millrace/cdk8s/constructs/labels.ts';
import type { Manifest } from '@millrace/cdk8s/constructs/manifest.ts';
import { DATA_CONFIG_MAP } from '@millrace/cdk8s/pipeline/input.ts';
import { identityOf } from '@millrace/cdk8s/pipeline/workloads.ts';
import type { LoadedPipeline } from '@millrace/core/spec/load.ts';
import { Refused } from './refused.ts';

/** What the API server takes of one ConfigMap, its other members left room for. */
const MAX_BYTES = 1_040_000;
const KEY = /^[-._a-zA-Z0-9]+$/;

/**
 * @returns null where the Pipeline names no ConfigMap, or its files are not here: then the ConfigMap has to be there
 * @throws Refused for files that do not fit into one
 */
export function dataConfigMap({ pipeline, folder, file }: LoadedPipeline, namespace: string): Manifest | null {
  const name = pipeline.metadata.annotations?.[DATA_CONFIG_MAP];
  const path = pipeline.spec.source.replay?.path;
  if (name === undefined || path === undefined || /^https?:/i.test(path)) return null;
  const files = globSync(path, { cwd: folder }).filter((found) => statSync(join(folder, found)).isFile());
  if (files.length === 0) return null;
  const odd = files.find((found) => !KEY.test(found));
  if (odd !== undefined)
    throw new Refused([
      `${file}: spec.source.replay.path finds ${odd}; a ConfigMap holds files without folders, whose names have letters, digits, -, _ and . only. Put it beside the Pipeline, or on a volume (millrace.dev/data-claim)`,
    ]);
  const contents = new Map(files.toSorted().map((found) => [found, readFileSync(join(folder, found))]));
  const bytes = [...contents.values()].reduce((sum, { length }) => sum + length, 0);
  if (bytes > MAX_BYTES)
    throw new Refused([
      `${file}: spec.source.replay.path finds ${(bytes / 2 ** 20).toFixed(1)} MiB; a ConfigMap holds 1 MiB. Put the files on a volume and name it by the annotation millrace.dev/data-claim, or serve them by http(s)`,
    ]);
  const [text, binary] = [new Map<string, string>(), new Map<string, string>()];
  for (const [key, content] of contents) {
    const decoded = textOf(content);
    if (decoded === null) binary.set(key, content.toString('base64'));
    else text.set(key, decoded);
  }
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace, labels: labelsOf(identityOf(pipeline, 'data')) },
    ...(text.size > 0 ? { data: Object.fromEntries(text) } : {}),
    ...(binary.size > 0 ? { binaryData: Object.fromEntries(binary) } : {}),
  };
}

/** null for what is no UTF-8, byte by byte. */
function textOf(content: Buffer): string | null {
  const text = content.toString('utf8');
  return Buffer.from(text, 'utf8').equals(content) ? text : null;
}
