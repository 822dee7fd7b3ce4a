import { pipelineObjects } from '@millrace/cdk8s/pipeline/pipeline.ts';
import { defaultValues } from '@millrace/cdk8s/platform/loadValues.ts';
import { platformObjects } from '@millrace/cdk8s/platform/platform.ts';
import { parsePipelines } from '@millrace/core/spec/load.ts';
import { expect, test } from 'vitest';
import { keyOf, refOf } from './inventory.ts';
import { stagesOf } from './undeploy.ts';

const PIPELINE = `
apiVersion: millrace.dev/v1alpha1
kind: Pipeline
metadata: { name: NAME }
spec:
  source: { simulator: { seed: 1, devices: 1, rate: 1 } }
  record: { key: a, time: { field: t }, fields: { a: { type: text } } }
  table: { name: NAME }
`;

const values = defaultValues();
// One has the name that platform objects have as their instance.
const pipelines = ['traffic', 'rooms'].flatMap((name) => parsePipelines(PIPELINE.replaceAll('NAME', name), 'p.yaml'));
const objects = [...platformObjects(values), ...pipelines.flatMap(({ pipeline }) => pipelineObjects(pipeline, values))].map(
  refOf,
);

test('nobody loses whom it sends to: producers end first, Kafka and the database last', () => {
  const stages = stagesOf(objects);
  const at = (kind: string, name: string) =>
    stages.findIndex(({ refs }) => refs.some((ref) => ref.kind === kind && ref.name === name));
  const order = ['traffic-producer', 'traffic-processor', 'traffic-sink'].map((name) => at('Deployment', name));
  expect(order).toEqual([0, 1, 2]);
  expect(at('Deployment', 'rooms-producer')).toBe(0);
  expect(at('NetworkPolicy', 'traffic-sink')).toBeGreaterThan(at('Deployment', 'traffic-sink'));
  expect(at('StatefulSet', 'kafka')).toBeGreaterThan(at('NetworkPolicy', 'traffic-sink'));
  // What lets programs in and names them goes when they have ended.
  expect(at('Service', 'kafka')).toBeGreaterThan(at('StatefulSet', 'kafka'));
});

test('everything goes, each once', () => {
  const all = stagesOf(objects).flatMap(({ refs }) => refs.map(keyOf));
  expect(all.toSorted()).toEqual(objects.map(keyOf).toSorted());
  expect(stagesOf([])).toEqual([]);
});
