/** At most one pod of a workload is taken away at a time when nodes are drained; cdk8s-plus-27 has no such object. */
import { ApiObject } from 'cdk8s';
import type { Construct } from 'constructs';
import { type Identity, labelsOf, selectorOf } from './labels.ts';

export function disruptionBudget(scope: Construct, id: string, name: string, identity: Identity): ApiObject {
  return new ApiObject(scope, id, {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { name, labels: labelsOf(identity) },
    spec: {
      maxUnavailable: 1,
      // A pod that is not ready does not keep a node from being drained.
      unhealthyPodEvictionPolicy: 'AlwaysAllow',
      selector: { matchLabels: selectorOf(identity) },
    },
  });
}
