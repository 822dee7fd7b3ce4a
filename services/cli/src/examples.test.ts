/** What the READMEs of the examples promise, before anything is started. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { loadPipelines } from '@millrace/core/spec/load.ts';
import { compileTransform } from '@millrace/processor/transform.ts';
import { readFiles } from '@millrace/registry/files.ts';
import { merged } from '@millrace/registry/merge.ts';
import { registryOf } from '@millrace/registry/registry.ts';
import { expect, test } from 'vitest';
import { DEMO, pushesOf } from '../../../examples/phone-sensors/simulate.ts';
import { DEMO as CONTROLLERS, messagesOf } from '../../../examples/smart-controller/simulate.ts';
import { addTo, emptySummary, sample } from './records/sample.ts';

const EXAMPLES = fileURLToPath(new URL('../../../examples/', import.meta.url));

/** Counts of a file's outcomes, and how often each value of some columns stands in its rows. */
async function outcomes(specFile: string, file: string, columns: readonly string[]) {
  const [loaded] = await loadPipelines(specFile);
  if (!loaded) throw new Error(`${specFile} holds no Pipeline`);
  const summary = emptySummary(loaded);
  const values: Record<string, number> = {};
  for await (const sampled of sample(loaded, file, new AbortController().signal)) {
    addTo(summary, sampled);
    const { outcome } = sampled;
    if (outcome.kind !== 'row') continue;
    for (const column of columns) {
      const name = `${column} ${outcome.row[column]}`;
      values[name] = (values[name] ?? 0) + 1;
    }
  }
  return { ...summary, values };
}

test('traffic: every record gives a row, 3,222 detectors work and 2,014 do not', async () => {
  const found = await outcomes(join(EXAMPLES, 'traffic/pipeline.yaml'), join(EXAMPLES, 'traffic/traffic_counts.csv'), [
    'is_operational',
  ]);
  expect(found).toEqual({
    records: 5236,
    rows: 5236,
    refused: 0,
    dropped: {},
    withoutValue: ['comm_status', 'comm_status_at', 'latitude', 'longitude'],
    unknownFields: 0,
    values: { 'is_operational true': 3222, 'is_operational false': 2014 },
  });
});

test('traffic: the filter in the comment drops what its README says', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-filter-'));
  try {
    const text = readFileSync(join(EXAMPLES, 'traffic/pipeline.yaml'), 'utf8');
    const file = join(folder, 'pipeline.yaml');
    writeFileSync(file, text.replace('# where:', 'where:').replace('#   - { name: removed', '  - { name: removed'));
    const found = await outcomes(file, join(EXAMPLES, 'traffic/traffic_counts.csv'), ['is_operational']);
    expect(found).toMatchObject({
      rows: 3742,
      dropped: { removed: 1494 },
      values: { 'is_operational true': 3222, 'is_operational false': 520 },
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('environment: "false" is false, and times keep their microseconds', async () => {
  const spec = join(EXAMPLES, 'environment/pipeline.yaml');
  const found = await outcomes(spec, join(EXAMPLES, 'environment/sensor_data.csv'), ['light', 'motion', 'device']);
  expect(found).toMatchObject({ records: 15, rows: 15, refused: 0 });
  expect(found.values).toEqual({
    'light true': 3,
    'light false': 12,
    'motion false': 15,
    'device b8:27:eb:bf:9d:51': 10,
    'device 00:0f:00:70:91:0a': 2,
    'device 1c:bf:ce:15:ec:4d': 3,
  });
  const [loaded] = await loadPipelines(spec);
  if (!loaded) throw new Error('no Pipeline');
  for await (const { outcome } of sample(loaded, join(EXAMPLES, 'environment/sensor_data.csv'), new AbortController().signal)) {
    expect(outcome.kind === 'row' && outcome.row.time).toBe('2020-07-12T00:01:34.385974Z');
    break;
  }
});

test('environment: the generator writes 405,184 rows in order of time, as many per device as the data set has', async () => {
  const child = spawn(process.execPath, [join(EXAMPLES, 'environment/generate.ts')], { stdio: ['ignore', 'pipe', 'inherit'] });
  const rows: Record<string, number> = {};
  let before = '';
  let inOrder = true;
  for await (const line of createInterface({ input: child.stdout })) {
    const [time = '', device = ''] = line.slice(1, -1).split('","');
    if (time === 'ts') continue;
    rows[device] = (rows[device] ?? 0) + 1;
    inOrder &&= time >= before; // all have the same number of digits
    before = time;
  }
  expect(rows).toEqual({ 'b8:27:eb:bf:9d:51': 187_451, '00:0f:00:70:91:0a': 111_815, '1c:bf:ce:15:ec:4d': 105_918 });
  expect(inOrder).toBe(true);
  expect(before).toMatch(/^1\.5952\d{11}E9$/); // 2020-07-19
});

test('phone-sensors: the real push gives 6 rows, the simulated phones 6,705 readings of which 705 come twice', async () => {
  const [loaded] = await loadPipelines(join(EXAMPLES, 'phone-sensors/pipeline.yaml'));
  if (!loaded) throw new Error('no Pipeline');
  const transform = compileTransform(loaded.pipeline);
  const rowsOf = (text: string | Buffer): string[] => {
    const { outcomes, unknownFields } = transform({
      offset: 0,
      timestampMs: 0,
      key: null,
      value: Buffer.from(text),
      headers: {},
    });
    expect(unknownFields).toBe(0);
    return outcomes.map((outcome) => (outcome.kind === 'row' ? outcome.value.toString() : outcome.kind));
  };
  const real = rowsOf(readFileSync(join(EXAMPLES, 'phone-sensors/push.json')));
  expect(real.filter((row) => row.includes('"time_ns":1716760513715797500'))).toHaveLength(5);
  expect(real.filter((row) => row.includes('"time_ns":1716760516584638000'))).toHaveLength(1);
  expect(real).toHaveLength(6);
  const pushes = pushesOf(DEMO);
  const rows = pushes.flatMap(({ text }) => rowsOf(text));
  expect([pushes.length, rows.length, new Set(rows).size]).toEqual([1_341, 6_705, 6_000]);
  expect(pushesOf(DEMO).map(({ text }) => text)).toEqual(pushes.map(({ text }) => text));
});

test('smart-controller: every datapoint of the 32 streams of frames, and every other message, is a row with the right value, unit and time', async () => {
  const [loaded] = await loadPipelines(join(EXAMPLES, 'smart-controller/pipeline.yaml'));
  if (!loaded) throw new Error('no Pipeline');
  const nothing = { types: [], templates: [], datapoints: [], devices: [], connectors: [], pins: [] };
  const { entries, problems } = await readFiles([join(EXAMPLES, 'smart-controller/registry.yaml')]);
  const registry = registryOf(merged(nothing, entries, problems, true));
  const transform = compileTransform(loaded.pipeline, () => registry);
  const streams = new Set<string>();
  let [messages, read] = [0, 0];
  const stored = new Set<string>();
  const components = new Set<string>();
  for (const { topic, payload, readings } of messagesOf(CONTROLLERS)) {
    const headers = { 'mqtt-topic': Buffer.from(topic) };
    const { outcomes } = transform({ offset: 0, timestampMs: 0, key: null, value: Buffer.from(payload), headers });
    const rows = outcomes.map((outcome) => {
      if (outcome.kind !== 'row') throw new Error(`${topic} ${payload}: ${JSON.stringify(outcome)}`);
      const { device, connector, component, datapoint, time, value = null, text = null, unit = null } = outcome.row;
      return { device, connector, component, datapoint, timeMs: Date.parse(String(time)), value, text, unit };
    });
    expect(rows).toEqual(readings);
    messages++;
    read += rows.length;
    for (const { device, connector, component, datapoint, timeMs } of rows)
      stored.add([device, connector, component, datapoint, timeMs].join(' '));
    if (payload.includes('"frame"')) streams.add(topic);
    components.add(String(rows[0]?.component));
  }
  expect(streams.size).toBe(32);
  expect([messages, read, stored.size]).toEqual([1_139, 7_159, 6_851]);
  expect([...components].toSorted()).toEqual(['climate', 'door', 'motion', 'power', 'reader', 'siren', 'strike']);
});
