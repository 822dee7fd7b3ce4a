/** A Service: a name in the cluster for the pods of a workload. */
import { ApiObject } from 'cdk8s';
import * as kplus from 'cdk8s-plus-27';
import type { Construct } from 'constructs';
import { type Identity, labelsOf, selectorOf } from './labels.ts';
import { type Manifest, shapeOf } from './manifest.ts';

export interface ServiceOptions {
  name: string;
  identity: Identity;
  /** Whose pods; default: those of the identity. */
  selector?: Record<string, string>;
  /** By name; the pods' ports have the same numbers. */
  ports: Readonly<Record<string, number>>;
  /** Gives each pod a name of its own, also before it is ready, instead of one address for all. */
  headless?: boolean;
  /** How it is reached from outside of the cluster; default: not at all. */
  type?: 'ClusterIP' | 'NodePort' | 'LoadBalancer';
}

export function service(scope: Construct, id: string, options: ServiceOptions): ApiObject {
  const { name, identity, ports, selector = selectorOf(identity), headless = false, type } = options;
  const shape = shapeOf(
    (chart) =>
      new kplus.Service(chart, 'object', {
        metadata: { name, labels: labelsOf(identity) },
        ports: Object.entries(ports).map(([port, number]) => ({ name: port, port: number, targetPort: number })),
        ...(headless ? { clusterIP: 'None' } : {}),
      }),
  ) as unknown as Manifest & { spec: Record<string, unknown> };
  const { externalIPs: _, ...spec } = shape.spec;
  return new ApiObject(scope, id, {
    ...shape,
    // cdk8s-plus-27 takes publishNotReadyAddresses and forgets it: nodes of a quorum could not find each other.
    spec: { ...spec, ...(type ? { type } : {}), ...(headless ? { publishNotReadyAddresses: true } : {}), selector },
  });
}
