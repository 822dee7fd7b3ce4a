import { parsePipelines } from '@millrace/core/spec/load.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import { expect, test } from 'vitest';
import { dataSources } from '../platform/grafana.ts';
import { defaultValues, parseValues } from '../platform/loadValues.ts';
import { dashboardOf } from './dashboard.ts';
import { pipelineObjects } from './pipeline.ts';

function pipelineOf(source: string, name = 'traffic'): Pipeline {
  const [loaded] = parsePipelines(
    `
apiVersion: millrace.dev/v1alpha1
kind: Pipeline
metadata: { name: ${name}, namespace: feeds }
spec:
  source: ${source}
  record:
    key: device
    time: { field: t }
    fields:
      device: { type: text }
      celsius: { type: float, unit: °C }
      moving: { type: bool }
      place: { type: point }
      note: { type: text }
  table: { name: readings, extra: true, retain: 5y }
`,
    'pipeline.yaml',
  );
  if (!loaded) throw new Error('no Pipeline');
  return loaded.pipeline;
}

interface Panel {
  id: number;
  type: string;
  title: string;
  timeFrom?: string;
  gridPos: { x: number; y: number; w: number; h: number };
  targets?: { refId: string; datasource: { uid: string; type: string } }[];
}

const SIMULATOR = '{ simulator: { seed: 1, devices: 1, rate: 1 } }';
const panelsOf = (pipeline: Pipeline, values = defaultValues()) => dashboardOf(pipeline, values).panels as unknown as Panel[];
const panels = panelsOf(pipelineOf(SIMULATOR));

test('each panel has an id of its own, a place of its own, and each of its queries a name', () => {
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
  const overlap = panels.flatMap((a) => panels.filter((b) => a.id < b.id && meets(a, b)).map((b) => `${a.title} / ${b.title}`));
  expect(overlap).toEqual([]);
  for (const { gridPos } of panels) expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
  for (const { targets = [] } of panels) expect(new Set(targets.map(({ refId }) => refId)).size).toBe(targets.length);
});

function meets({ gridPos: a }: Panel, { gridPos: b }: Panel): boolean {
  return a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
}

test.each(['', 'prometheus: { enabled: false }', 'prometheus: { operator: {} }'])(
  'with %j it asks only data sources that Grafana has',
  (text) => {
    const values = parseValues(text, 'values.yaml');
    const { datasources } = dataSources(values) as { datasources: { uid: string; type: string }[] };
    const known = datasources.map(({ uid, type }) => `${type} ${uid}`);
    const asked = panelsOf(pipelineOf(SIMULATOR), values).flatMap(({ targets = [] }) =>
      targets.map(({ datasource }) => `${datasource.type} ${datasource.uid}`),
    );
    expect(asked.length).toBeGreaterThan(3);
    expect(asked.filter((one) => !known.includes(one))).toEqual([]);
  },
);

test('each column that can be drawn is drawn', () => {
  const drawn = panels.filter(({ type }) => type === 'timeseries').map(({ title }) => title);
  expect(drawn).toEqual(expect.arrayContaining(['celsius', 'moving', 'place_lat', 'place_lon']));
  expect(drawn).not.toEqual(expect.arrayContaining(['note']));
});

test.each([
  ['{ replay: { path: a.csv } }', '5y'],
  ['{ replay: { path: a.csv, clock: now } }', undefined],
  [SIMULATOR, undefined],
])('rows of %s are shown over %s', (source, wanted) => {
  expect(panelsOf(pipelineOf(source)).find(({ title }) => title === 'celsius')?.timeFrom).toBe(wanted);
});

test('two Pipelines have two dashboards, whatever the length of their names', () => {
  const uids = ['a', 'a'.repeat(40), `${'a'.repeat(39)}b`].map(
    (name) => dashboardOf(pipelineOf(SIMULATOR, name), defaultValues()).uid ?? '',
  );
  expect(new Set(uids).size).toBe(3);
  for (const uid of uids) expect(uid.length).toBeLessThanOrEqual(40);
});

test('its ConfigMap is the one that Grafana takes up, and its file meets no other of another namespace', () => {
  const found = pipelineObjects(pipelineOf(SIMULATOR), defaultValues()).find(
    ({ metadata }) => metadata.name === 'traffic-dashboard',
  );
  expect(found?.metadata.labels).toMatchObject({ grafana_dashboard: '1' });
  expect(Object.keys(found?.data as object)).toEqual(['feeds-traffic.json']);
});
