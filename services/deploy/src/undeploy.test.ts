import { defaultValues } from '@millrace/cdk8s/platform/loadValues.ts';
import { objectsWith } from '@millrace/cdk8s/samples.ts';
import { expect, test } from 'vitest';
import { keyOf, refOf } from './inventory.ts';
import { stagesOf } from './undeploy.ts';

// One has the name that platform objects have as their instance.
const objects = objectsWith(defaultValues(), 'traffic', 'rooms').map(refOf);

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
