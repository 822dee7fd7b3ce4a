import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { readFiles } from '@millrace/registry/files.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Cluster } from './clusters/cluster.ts';
import { optionsFrom } from './options.ts';
import { textOf } from './registry.ts';
import { wantedBy } from './wanted.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const EXAMPLE = join(ROOT, 'examples/smart-controller');
const cluster: Cluster = {
  name: 'a cluster',
  kubectl: [],
  values: { grafana: { enabled: false } },
  ready: async () => undefined,
  imageName: (tag) => `localhost/millrace:${tag}`,
  bring: async () => undefined,
};
const wanted = (env: NodeJS.ProcessEnv) => wantedBy(optionsFrom(env), cluster, ROOT);

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-wanted-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const file = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};

describe('without a wish', () => {
  test('it is the four examples, the broker of the controllers, and what their messages mean', async () => {
    const { pipelines, values, objects, registry, inventory } = await wanted({});
    expect(pipelines.map(({ pipeline }) => pipeline.metadata.name)).toEqual([
      'traffic',
      'environment',
      'phone-sensors',
      'smart-controller',
    ]);
    expect([values.mqtt.enabled, values.grafana.enabled]).toEqual([true, false]);
    const names = objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`);
    expect(names).toEqual(
      expect.arrayContaining(['StatefulSet mqtt', 'Deployment devices', 'Deployment smart-controller-producer']),
    );
    expect(registry).toMatchObject({ pipeline: 'smart-controller', paths: [join(EXAMPLE, 'registry.yaml')] });
    const kept = inventory.kept.map(({ kind, name }) => `${kind} ${name}`);
    expect(kept).toEqual(
      expect.arrayContaining(['PersistentVolumeClaim data-mqtt-0', 'Secret millrace-device-ca', 'Secret millrace-mqtt-producer']),
    );
  });

  test('there is no broker where no Pipeline means one', async () => {
    const { values, registry } = await wanted({ PIPELINES: join(ROOT, 'examples/phone-sensors/pipeline.yaml') });
    expect([values.mqtt.enabled, registry]).toEqual([false, null]);
  });
});

describe('who has written values has decided', () => {
  test('a broker that is off is refused with the Pipeline that needs it, and the value', async () => {
    const off = file('off.yaml', 'prometheus: { enabled: false }');
    await expect(wanted({ VALUES: off })).rejects.toThrow(/smart-controller: spec\.source\.mqtt\.url .*mqtt\.enabled: true/);
  });

  test('a broker that is on stays as it is written', async () => {
    const on = file('on.yaml', 'mqtt: { enabled: true, service: NodePort }');
    expect((await wanted({ VALUES: on })).values.mqtt).toMatchObject({ enabled: true, service: 'NodePort' });
  });
});

describe('the device registry', () => {
  test('goes to the cluster as one file, which says the same', async () => {
    const { entries } = await readFiles([join(EXAMPLE, 'registry.yaml')]);
    const again = await readFiles([file('again.yaml', textOf(entries))]);
    expect(again.problems).toEqual([]);
    expect(again.entries.map(({ table, values }) => [table, values])).toEqual(
      entries.map(({ table, values }) => [table, values]),
    );
  });

  test('is refused before anything is applied where a file cannot be one, or nobody asks for it', async () => {
    const wrong = file('wrong.yaml', 'devicez: []');
    await expect(wanted({ REGISTRY: wrong })).rejects.toThrow(/wrong\.yaml:1.*no such table(.|\n)*Nothing was changed/);
    const PIPELINES = join(ROOT, 'examples/traffic/pipeline.yaml');
    await expect(wanted({ PIPELINES, REGISTRY: join(EXAMPLE, 'registry.yaml') })).rejects.toThrow(
      /no Pipeline asks for a device registry.*record\.decode: frame/,
    );
  });
});
