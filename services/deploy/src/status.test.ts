import { defaultValues, parseValues } from '@millrace/cdk8s/platform/loadValues.ts';
import { expect, test } from 'vitest';
import type { Pod } from './pods.ts';
import { doorsOf, sourceDoorsOf } from './portForward.ts';
import { progressText } from './progress.ts';
import { claimLines, pipelinesOf, podLines } from './status.ts';

const pod = (name: string, restartCount = 0, ready = true): Pod => ({
  metadata: { name },
  status: { phase: 'Running', containerStatuses: [{ name: 'a', ready, restartCount, state: {} }] },
});

test('pods are told in order, with why they do not serve and how often they were started', () => {
  const leaving = { ...pod('b'), metadata: { name: 'b', deletionTimestamp: '2026-01-01T00:00:00Z' } };
  expect(podLines([pod('kafka-0', 2), leaving, pod('a', 1, false)])).toEqual([
    'a        runs, not ready yet, started 2 times (ended)',
    'b        ending',
    'kafka-0  ready, started 3 times',
  ]);
});

test('a volume that waits is told, one that is there is not', () => {
  const claim = (name: string, phase: string) => ({ metadata: { name }, status: { phase } });
  expect(claimLines([claim('data-kafka-0', 'Pending'), claim('data-database-0', 'Bound')])).toEqual([
    'volume data-kafka-0: Pending',
  ]);
});

test('the Pipelines of a deploy are known by their sinks', () => {
  const ref = (instance: string, component: string, kind = 'Deployment') => ({
    apiVersion: 'apps/v1',
    kind,
    name: 'x',
    instance,
    component,
  });
  const objects = [ref('b', 'sink'), ref('a', 'sink'), ref('a', 'sink', 'NetworkPolicy'), ref('platform', 'grafana')];
  expect(pipelinesOf({ values: defaultValues(), objects, kept: [] })).toEqual(['a', 'b']);
});

test('lost records are not to be overlooked', () => {
  const totals = { read: 12_345, stored: 12_000, refused: 0, dropped: 5, lost: 340, lagMessages: 0 };
  expect(progressText({ table: 'feeds.a', totals, unfinished: null })).toBe(
    '12,345 read, 12,000 stored in feeds.a, 5 dropped, 340 LOST, lag 0 messages',
  );
});

test('only what is there is opened, and no password is printed', () => {
  const names = (values: string) => doorsOf(parseValues(values, 'v')).map(({ name }) => name);
  expect(names('')).toEqual(['Grafana', 'Prometheus', 'Alertmanager', 'database']);
  expect(names('grafana: { enabled: false }\ndatabase: { external: { host: d } }')).toEqual(['Prometheus', 'Alertmanager']);
  expect(names('mqtt: { enabled: true }').slice(4)).toEqual(['devices', 'MQTT']);
  expect(names('mqtt: { enabled: true, external: { url: "mqtts://b:1" } }').slice(4)).toEqual(['devices']);
  const told = doorsOf(defaultValues()).map(({ how }) =>
    how(1234, { password: (secret) => `ask for ${secret}`, tokens: (secret) => `tokens of ${secret}`, authority: String }),
  );
  expect(told[0]).toBe('http://127.0.0.1:1234  user admin, password: ask for millrace-grafana-admin');
  expect(told[3]).toMatch(/port=1234 .*user=millrace_reader.*ask for millrace-database-reader/);
});

test('devices find the Service of their Pipeline, and whoever opens it the way to its token', () => {
  const ref = (kind: string, name: string, component: string) => ({
    apiVersion: 'v1',
    kind,
    name,
    instance: 'phones',
    component,
  });
  const objects = [ref('Service', 'phones-http', 'producer'), ref('Service', 'phones-metrics', 'producer')];
  const told = (kept: typeof objects) =>
    sourceDoorsOf({ values: defaultValues(), objects, kept }).map(({ name, service, how }) => [
      name,
      service,
      how(8090, { password: String, tokens: (secret) => `tokens of ${secret}`, authority: String }),
    ]);
  expect(told([ref('Secret', 'keys', 'token')])).toEqual([
    ['phones', 'phones-http', 'http://127.0.0.1:8090  token: tokens of keys'],
  ]);
  expect(told([])).toEqual([['phones', 'phones-http', 'http://127.0.0.1:8090']]);
});
