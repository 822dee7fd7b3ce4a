/** What shall be in the cluster, from the options, a values file and Pipelines: everything that can be known without a cluster. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { secretNames } from '@millrace/bootstrap/plan.ts';
import type { Manifest } from '@millrace/cdk8s/constructs/manifest.ts';
import { crdObjects } from '@millrace/cdk8s/crd/crd.ts';
import { pipelineObjects } from '@millrace/cdk8s/pipeline/pipeline.ts';
import { bootstrapPlan } from '@millrace/cdk8s/platform/bootstrap.ts';
import { parseValues } from '@millrace/cdk8s/platform/loadValues.ts';
import { platformObjects } from '@millrace/cdk8s/platform/platform.ts';
import type { Values } from '@millrace/cdk8s/platform/values.ts';
import { readDocuments } from '@millrace/core/spec/documents.ts';
import { type LoadedPipeline, loadPipelines } from '@millrace/core/spec/load.ts';
import { meansOwnBroker } from '@millrace/core/spec/ownBroker.ts';
import type { Cluster } from './clusters/cluster.ts';
import { dataConfigMap } from './data.ts';
import { imageTag } from './imageTag.ts';
import { claimsOf, HOLDS_DATA, type Inventory, refOf } from './inventory.ts';
import type { Options } from './options.ts';
import { Refused } from './refused.ts';
import { type RegistryFiles, registryFiles } from './registry.ts';
import { type TokenSecret, tokenSecretsOf } from './tokens.ts';

/** What runs where no PIPELINES are named. */
const EXAMPLES = ['traffic', 'environment', 'phone-sensors', 'smart-controller'];
/** What their controllers' messages mean. */
const REGISTRY = 'smart-controller/registry.yaml';

export interface Wanted {
  values: Values;
  pipelines: readonly LoadedPipeline[];
  /** What belongs to no namespace and is there for all: undeploy leaves it. */
  cluster: readonly Manifest[];
  /** In the namespace, in the order in which they are applied. */
  objects: readonly Manifest[];
  /** Of devices, made where they are missing. */
  tokens: readonly TokenSecret[];
  /** null: none is to be taken over. */
  registry: RegistryFiles | null;
  /** Built from this checkout; else it is somebody's, and taken as it is. */
  builtHere: boolean;
  inventory: Inventory;
}

/** @throws SpecError, Refused, RenderRefused with all that is wrong with a file */
export async function wantedBy(options: Options, cluster: Cluster, root: string): Promise<Wanted> {
  const { text, file } = valuesText(options, cluster);
  const parsed = parseValues(text, file);
  const given = options.image ?? (namesImage(text, file) ? parsed.image : null);
  const files = options.pipelines ?? EXAMPLES.map((name) => join(root, 'examples', name, 'pipeline.yaml'));
  const pipelines = await loadPipelines(files);
  const asks = pipelines.some(({ pipeline }) => meansOwnBroker(pipeline));
  const values: Values = {
    ...parsed,
    // Whoever has written values has decided: without a broker, a Pipeline that needs it is refused by name.
    mqtt: options.values === null && asks ? { ...parsed.mqtt, enabled: true } : parsed.mqtt,
    namespace: options.namespace ?? parsed.namespace,
    image: given ?? cluster.imageName(imageTag(root)),
  };
  const registry = options.devices ?? (options.pipelines === null ? [join(root, 'examples', REGISTRY)] : null);
  const objects = [
    ...platformObjects(values),
    ...pipelines.flatMap((loaded) => {
      const data = dataConfigMap(loaded, values.namespace);
      return [...(data ? [data] : []), ...pipelineObjects(loaded.pipeline, values)];
    }),
  ];
  return {
    values,
    pipelines,
    cluster: crdObjects(values),
    objects,
    tokens: tokenSecretsOf(pipelines),
    registry: registry === null ? null : await registryFiles(registry, pipelines),
    builtHere: given === null,
    inventory: inventoryOf(values, objects),
  };
}

function valuesText({ values }: Options, cluster: Cluster): { text: string; file: string } {
  if (values === null) return { text: JSON.stringify(cluster.values), file: 'defaults' };
  try {
    return { text: readFileSync(values, 'utf8'), file: values };
  } catch (error) {
    throw new Refused([`VALUES is ${values}, which cannot be read: ${(error as Error).message}`]);
  }
}

/** Whether the file says which image, or leaves it to the default. */
function namesImage(text: string, file: string): boolean {
  const [document] = readDocuments(text, file).documents;
  return typeof document?.value === 'object' && document.value !== null && 'image' in document.value;
}

function inventoryOf(values: Values, objects: readonly Manifest[]): Inventory {
  const refs = objects.filter(({ kind }) => !HOLDS_DATA.has(kind)).map(refOf);
  const bootstrapped = refs.some(({ kind, component }) => kind === 'Job' && component === 'bootstrap');
  const secrets = bootstrapped ? secretNames(bootstrapPlan(values)) : [];
  return {
    values,
    objects: refs,
    kept: [
      ...claimsOf(objects),
      ...objects.filter(({ kind }) => HOLDS_DATA.has(kind)).map(refOf),
      ...secrets.map((name) => ({ apiVersion: 'v1', kind: 'Secret', name, instance: 'platform', component: 'bootstrap' })),
    ],
  };
}
