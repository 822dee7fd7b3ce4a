import { parsePipelines } from '@millrace/core/spec/load.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import { describe, expect, test } from 'vitest';
import { parseValues } from '../platform/loadValues.ts';
import { pipelineObjects } from './pipeline.ts';
import { scaleNote, scaleOf } from './scaling.ts';

function pipelineOf(scale: string, partitions = 6): Pipeline {
  const [loaded] = parsePipelines(
    `
apiVersion: millrace.dev/v1alpha1
kind: Pipeline
metadata: { name: traffic }
spec:
  source: { simulator: { seed: 1, devices: 1, rate: 1 } }
  topics: { partitions: ${partitions} }
  record: { key: a, time: { field: t }, fields: { a: { type: text } } }
  table: { name: t }
  scale: ${scale}
`,
    'pipeline.yaml',
  );
  if (!loaded) throw new Error('no Pipeline');
  return loaded.pipeline;
}
const valuesOf = (by: string) => parseValues(`autoscaling: { by: ${by} }`, 'values.yaml');

test.each([
  ['none', '{}', 6, 1],
  ['none', '{ min: 2, max: 4 }', 6, 2],
  ['none', '{ replicas: 3 }', 6, 3],
  ['keda', '{ replicas: 3 }', 6, 3],
  ['keda', '{ replicas: 0 }', 6, 0],
  ['keda', '{}', 6, { min: 1, max: 6, lagSeconds: 30 }],
  ['keda', '{ min: 2, max: 4, lagSeconds: 10 }', 6, { min: 2, max: 4, lagSeconds: 10 }],
  ['hpa', '{}', 1, { min: 1, max: 1, lagSeconds: 30 }],
  ['hpa', '{ min: 2 }', 3, { min: 2, max: 3, lagSeconds: 30 }],
])('%s, %s, %s partitions: %j', (by, scale, partitions, wanted) => {
  expect(scaleOf(pipelineOf(scale, partitions), valuesOf(by))).toEqual(wanted);
});

test.each([
  ['none', '{}', null],
  ['none', '{ min: 2 }', null],
  ['none', '{ max: 4 }', /spec.scale.max have no effect without an autoscaler: processor and sink have 1 pod\. Set/],
  ['none', '{ min: 2, lagSeconds: 9 }', /spec.scale.lagSeconds have no effect .* have 2 pods/],
  ['none', '{ replicas: 2, max: 4 }', /spec.scale.max have no effect, since spec.scale.replicas is 2/],
  ['keda', '{ max: 4, lagSeconds: 9 }', null],
])('%s, %s: what is said of it', (by, scale, wanted) => {
  const note = scaleNote(pipelineOf(scale), valuesOf(by));
  if (wanted === null) expect(note).toBeNull();
  else expect(note).toMatch(wanted);
});

test.each([
  ['autoscaling: { by: keda }', '{ min: 0 }', /lag is measured by the pods themselves/],
  ['{ autoscaling: { by: hpa }, prometheus: { enabled: false } }', '{}', /prometheus.enabled is false/],
  ['{ autoscaling: { by: hpa }, prometheus: { discovery: dns } }', '{}', /knows addresses only/],
])('%s with %s is refused', (values, scale, message) => {
  expect(() => pipelineObjects(pipelineOf(scale), parseValues(values, 'values.yaml'))).toThrow(message);
});

describe.each([
  ['keda', 'ScaledObject'],
  ['hpa', 'HorizontalPodAutoscaler'],
])('%s', (by, kind) => {
  const objects = pipelineObjects(pipelineOf('{ max: 4 }'), valuesOf(by));

  test('scales processor and sink, and nobody else says how many they are', () => {
    const scaled = objects
      .filter((object) => object.kind === kind)
      .map(({ spec }) => (spec as { scaleTargetRef: { name: string } }).scaleTargetRef.name);
    expect(scaled).toEqual(['traffic-processor', 'traffic-sink']);
    for (const { kind: of, metadata, spec } of objects)
      if (of === 'Deployment') expect('replicas' in (spec as object)).toBe(metadata.name === 'traffic-producer');
  });

  test('never beyond what was allowed, nor by the lag of another Pipeline', () => {
    const [first] = objects.filter((object) => object.kind === kind);
    const text = JSON.stringify(first);
    expect(text).toMatch(/"max(ReplicaCount|Replicas)":4/);
    expect(text).toContain(by === 'keda' ? 'millrace_processor_lag_seconds{pipeline=\\"feeds/traffic\\"}' : '"type":"Pods"');
  });

  test('is left out for a fixed number', () => {
    const fixed = pipelineObjects(pipelineOf('{ replicas: 2 }'), valuesOf(by));
    expect(fixed.map((object) => object.kind)).not.toContain(kind);
  });
});
