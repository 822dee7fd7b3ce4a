import { bootstrapPlan } from '@millrace/cdk8s/platform/bootstrap.ts';
import { parseValues } from '@millrace/cdk8s/platform/loadValues.ts';
import { platformObjects } from '@millrace/cdk8s/platform/platform.ts';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  claimsOf,
  type Inventory,
  inventoryObject,
  keyOf,
  type Ref,
  readInventory,
  refOf,
  surplus,
  together,
} from './inventory.ts';

const values = parseValues('', 'v');
const ref = (name: string, kind = 'ConfigMap', apiVersion = 'v1'): Ref => ({
  apiVersion,
  kind,
  name,
  instance: 'platform',
  component: 'x',
});
const of = (objects: Ref[], kept: Ref[] = []): Inventory => ({ values, objects, kept });
const all = (...refs: Ref[]): Set<string> => new Set(refs.map(keyOf));

test('what is no longer wanted goes, what is wanted stays', () => {
  const [old, both, fresh] = [ref('old'), ref('both'), ref('fresh')];
  expect(surplus(of([old, both]), of([both, fresh]), all(old, both))).toEqual([old]);
  expect(surplus(null, of([fresh]), all(old, fresh))).toEqual([]);
});

test('what somebody has taken over, or has deleted, is left alone', () => {
  expect(surplus(of([ref('old')]), of([]), new Set())).toEqual([]);
});

test('an object that only its API version changes is the same object', () => {
  const [before, now] = [ref('web', 'Ingress', 'networking.k8s.io/v1beta1'), ref('web', 'Ingress', 'networking.k8s.io/v1')];
  expect(surplus(of([before]), of([now]), all(before))).toEqual([]);
  expect(keyOf(ref('web', 'Ingress', 'extensions/v1beta1'))).not.toBe(keyOf(now));
});

test('a deploy never removes a volume or a Secret, whatever is switched off', () => {
  const objects = platformObjects(parseValues('kafka: { nodes: 3 }', 'v'));
  const kept = [...claimsOf(objects), ref(bootstrapPlan(values).authority, 'Secret')];
  const less = platformObjects(parseValues('kafka: { external: { brokers: "k:9092" } }\nprometheus: { enabled: false }', 'v'));
  const before = of(objects.map(refOf), kept);
  const removed = surplus(before, of(less.map(refOf)), all(...objects.map(refOf), ...kept));
  expect(removed.map(({ kind, name }) => `${kind} ${name}`)).toContain('StatefulSet kafka');
  expect(removed.filter(({ kind }) => kind === 'PersistentVolumeClaim' || kind === 'Secret')).toEqual([]);
});

test('the claims of each node of Kafka are known by name', () => {
  const names = claimsOf(platformObjects(parseValues('kafka: { nodes: 3 }', 'v'))).map(({ name }) => name);
  expect(names.toSorted()).toEqual(['data-database-0', 'data-kafka-0', 'data-kafka-1', 'data-kafka-2', 'data-prometheus-0']);
});

test('a deploy that ends half way forgets nothing: what was and what was to be is named, each once', () => {
  const refs = fc
    .uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'), { maxLength: 6 })
    .map((names) => names.map((n) => ref(n)));
  fc.assert(
    fc.property(refs, refs, refs, (before, now, kept) => {
      const both = together(of(before, kept), of(now));
      const names = both.objects.map(keyOf);
      expect(new Set(names)).toEqual(all(...before, ...now));
      expect(names.length).toBe(new Set(names).size);
      expect(all(...both.kept)).toEqual(all(...kept));
      // Then the rest of the deploy removes the same as if it had not been interrupted.
      const live = all(...before, ...now);
      expect(all(...surplus(both, of(now), live))).toEqual(all(...surplus(of(before), of(now), live)));
    }),
  );
});

test('it is read as it was written, and one that was spoilt is told', () => {
  const inventory = of([ref('a')], [ref('data-kafka-0', 'PersistentVolumeClaim')]);
  expect(readInventory(inventoryObject(inventory) as { data?: Record<string, string> })).toEqual(inventory);
  for (const data of [{}, { 'inventory.json': '{' }, { 'inventory.json': '{"objects":[]}' }])
    expect(() => readInventory({ data })).toThrow(/millrace-deploy.*cannot be read/);
});
