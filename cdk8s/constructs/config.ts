/** A ConfigMap, and the checksum by which the pods that read it are made anew when it changes. */
import { createHash } from 'node:crypto';
import { ApiObject } from 'cdk8s';
import * as kplus from 'cdk8s-plus-27';
import type { Construct } from 'constructs';
import { type Identity, labelsOf } from './labels.ts';
import { shapeOf } from './manifest.ts';

/** @param data by file name */
export function configMap(
  scope: Construct,
  id: string,
  name: string,
  identity: Identity,
  data: Record<string, string>,
): ApiObject {
  const { immutable: _, ...shape } = shapeOf(
    (chart) => new kplus.ConfigMap(chart, 'object', { metadata: { name, labels: labelsOf(identity) }, data }),
  );
  return new ApiObject(scope, id, shape as never);
}

/** Of contents, by name: the same whatever the order in which they are given. */
export function checksumOf(data: Readonly<Record<string, string>>): string {
  const hash = createHash('sha256');
  for (const [name, content] of Object.entries(data).sort(([a], [b]) => (a < b ? -1 : 1)))
    hash.update(JSON.stringify([name, content]));
  return hash.digest('hex').slice(0, 16);
}
