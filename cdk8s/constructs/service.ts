/** A Service: a name in the cluster for the pods of a workload. */
import { ApiObject } from 'cdk8s';
import * as kplus from 'cdk8s-plus-27';
import type { Construct } from 'constructs';
import { type Identity, labelsOf, selectorOf } from './labels.ts';
import { type Manifest, shapeOf } from './manifest.ts';

export interface ServiceOptions {
  name: string;
  identity: Identity;
  /** By name; the pods' ports have the same numbers. */
  ports: Readonly<Record<string, number>>;
  /** Gives each pod a name of its own, also before it is ready, instead of one address for all. */
  headless?: boolean;
}

export function service(scope: Construct, id: string, { name, identity, ports, headless = false }: ServiceOptions): ApiObject {
  const shape = shapeOf(
    (chart) =>
      new kplus.Service(chart, 'object', {
        metadata: { name, labels: labelsOf(identity) },
        ports: Object.entries(ports).map(([port, number]) => ({ name: port, port: number, targetPort: number })),
        ...(headless ? { clusterIP: 'None', publishNotReadyAddresses: true } : {}),
      }),
  ) as unknown as Manifest & { spec: Record<string, unknown> };
  const { externalIPs: _, ...spec } = shape.spec;
  return new ApiObject(scope, id, { ...shape, spec: { ...spec, selector: selectorOf(identity) } });
}
