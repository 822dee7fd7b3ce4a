/** Manifests for tools that judge manifests: the platform by several values, and every Pipeline that there is to look at. */

import { globSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { loadPipelines, parsePipelines } from '@millrace/core/spec/load.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import type { Manifest } from './constructs/manifest.ts';
import { crdObjects } from './crd/crd.ts';
import { DATA_CONFIG_MAP } from './pipeline/input.ts';
import { pipelineObjects } from './pipeline/pipeline.ts';
import { defaultValues, parseValues } from './platform/loadValues.ts';
import { namespaceObject, platformObjects } from './platform/platform.ts';
import type { Values } from './platform/values.ts';

const ROOT = resolve(import.meta.dirname, '..');

/** Values files that differ in what objects there are. */
export const VALUE_SETS = {
  default: '',
  'three nodes': 'kafka: { nodes: 3 }',
  'nothing of its own':
    'kafka: { external: { brokers: "k:9092" } }\ndatabase: { external: { host: db } }\ngrafana: { enabled: false }',
  'operators for all': `kafka: { strimzi: { cluster: plant } }
database: { cloudnativepg: {} }
prometheus: { operator: {} }`,
  'operators elsewhere': `kafka: { strimzi: { cluster: plant, namespace: kafka, authentication: tls, topics: true } }
database: { cloudnativepg: { cluster: plant } }`,
  'a Cluster with TimescaleDB': 'database: { cloudnativepg: { instances: 1, timescaledb: "registry:5000/timescaledb:2-pg17" } }',
  'an operated Prometheus': 'prometheus: { operator: {} }',
  'pods found by DNS': 'prometheus: { discovery: dns }',
  'devices over MQTT': 'mqtt: { enabled: true, host: mqtt.example.org, service: LoadBalancer }',
  'a broker of somebody else':
    'mqtt: { enabled: true, external: { url: "mqtts://broker:8883", devices: "mqtts://broker:8884" } }\ningress: { host: a.example.org }',
  'no eyes': 'prometheus: { enabled: false }\nalertmanager: { enabled: false }\ngrafana: { enabled: false }',
} as const;

/** By what they are made of. */
export async function sampleManifests(): Promise<Map<string, Manifest[]>> {
  const samples = new Map<string, Manifest[]>();
  const [feed] = await loadPipelines(join(ROOT, 'examples/traffic/pipeline.yaml'));
  if (!feed) throw new Error('there is no example');
  for (const [name, text] of Object.entries(VALUE_SETS)) {
    const values = parseValues(text, 'values.yaml');
    // With a feed: there are Services of the platform whose pods are those of Pipelines.
    const objects = [...platformObjects(values), ...pipelineObjects(feed.pipeline, values)];
    samples.set(`platform, ${name}`, [namespaceObject(values), ...objects]);
  }
  samples.set('definition of Pipelines', crdObjects(defaultValues()));
  for (const file of pipelineFiles()) {
    for (const { pipeline } of await loadPipelines(join(ROOT, file))) {
      const { namespace } = pipeline.metadata;
      const values = { ...defaultValues(), ...(namespace === undefined ? {} : { namespace }) };
      const { apiVersion, kind, metadata, spec } = pipeline;
      samples.set(file, [{ apiVersion, kind, metadata, spec } as Manifest, ...pipelineObjects(inCluster(pipeline), values)]);
      samples.set(`${file}, two of each`, pipelineObjects(twoOfEach(inCluster(pipeline)), values));
    }
  }
  return samples;
}

function pipelineFiles(): string[] {
  return globSync(['examples/*/pipeline.yaml', 'docs/reference/examples/*.yaml'], { cwd: ROOT }).toSorted();
}

/** As it would be in a cluster: the reference does not say where a file is there, and an example's broker may be this machine. */
export function inCluster(pipeline: Pipeline): Pipeline {
  const { metadata, spec } = pipeline;
  const { mqtt } = spec.source;
  if (mqtt) return { ...pipeline, spec: { ...spec, source: { mqtt: { ...mqtt, url: 'mqtts://broker:8883' } } } };
  if (!spec.source.replay || metadata.annotations) return pipeline;
  return { ...pipeline, metadata: { ...metadata, annotations: { [DATA_CONFIG_MAP]: 'data' } } };
}

/** Of what can be there twice. */
function twoOfEach(pipeline: Pipeline): Pipeline {
  const { source, scale } = pipeline.spec;
  const shared = source.mqtt ? { mqtt: { ...source.mqtt, shared: 'two' } } : source;
  const producers = source.mqtt || source.http ? { producers: 2 } : {};
  return { ...pipeline, spec: { ...pipeline.spec, source: shared, scale: { ...scale, min: 2, ...producers } } };
}

const PIPELINE = `
apiVersion: millrace.dev/v1alpha1
kind: Pipeline
metadata: { name: NAME }
spec:
  source: { simulator: { seed: 1, devices: 1, rate: 1 } }
  record: { key: a, time: { field: t }, fields: { a: { type: text } } }
  table: { name: NAME }
`;

/** The platform with small Pipelines of these names. */
export function objectsWith(values: Values, ...pipelines: string[]): Manifest[] {
  const loaded = pipelines.flatMap((name) => parsePipelines(PIPELINE.replaceAll('NAME', name), 'pipeline.yaml'));
  return [...platformObjects(values), ...loaded.flatMap(({ pipeline }) => pipelineObjects(pipeline, values))];
}
