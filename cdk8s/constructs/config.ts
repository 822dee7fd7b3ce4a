/** A ConfigMap; the pods that read it are made anew when its checksum (`checksum.ts`) is another. */
import { ApiObject } from 'cdk8s';
import * as kplus from 'cdk8s-plus-27';
import type { Construct } from 'constructs';
import { type Identity, labelsOf } from './labels.ts';
import { shapeOf } from './manifest.ts';

/** @param data by file name @param extraLabels beside the recommended ones */
export function configMap(
  scope: Construct,
  id: string,
  name: string,
  identity: Identity,
  data: Record<string, string>,
  extraLabels: Readonly<Record<string, string>> = {},
): ApiObject {
  const { immutable: _, ...shape } = shapeOf(
    (chart) =>
      new kplus.ConfigMap(chart, 'object', { metadata: { name, labels: { ...labelsOf(identity), ...extraLabels } }, data }),
  );
  return new ApiObject(scope, id, shape as never);
}
