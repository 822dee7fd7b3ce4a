import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readCsv, readFiles, readYaml } from './files.ts';
import { merged } from './merge.ts';
import { registryOf } from './registry.ts';
import { type Content, type Entry, TABLE_NAMES, TABLES, type TableName } from './tables.ts';
import { CONTENT } from './testing/content.ts';
import { csvOf, yamlOf } from './text.ts';

const NOTHING = Object.fromEntries(TABLE_NAMES.map((name) => [name, []])) as unknown as Content;
const fromYaml = (text: string, now = NOTHING, whole = false): Content => {
  const { entries, problems } = readYaml(Buffer.from(text), 'registry.yaml');
  return merged(now, entries, problems, whole);
};
const fromCsv = (files: ReadonlyMap<string, string>, now = NOTHING, whole = false): Content => {
  const read = [...files].map(([name, text]) => readCsv(Buffer.from(text), name));
  return merged(
    now,
    read.flatMap(({ entries }) => entries),
    read.flatMap(({ problems }) => problems),
    whole,
  );
};

describe('what was exported and imported is the same', () => {
  test.each<[string, (content: Content) => Content]>([
    ['YAML', (content) => fromYaml(yamlOf(content))],
    ['CSV', (content) => fromCsv(csvOf(content))],
  ])('as %s', (_name, through) => {
    expect(through(CONTENT)).toEqual(CONTENT);
    expect(through(NOTHING)).toEqual(NOTHING);
    expect(registryOf(through(CONTENT)).get('f2-02f200000001')?.get('J1')?.get('climate')?.datapoints).toHaveLength(6);
  });

  test('whatever titles, names and units there are', () => {
    const name = fc.stringMatching(/^[A-Za-z0-9_.-]{1,12}$/);
    const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }).filter((one) => /^[^\p{C}]{1,32}$/u.test(one));
    const some = fc.uniqueArray(fc.record({ name, title: fc.option(text), unit: fc.option(text) }), {
      selector: (one) => one.name,
    });
    fc.assert(
      fc.property(some, (ones) => {
        const content: Content = {
          ...NOTHING,
          types: ones.map((one) => ({ name: one.name, kind: 'frame', title: one.title })),
          templates: ones.map((one) => ({ name: one.name, type: one.name, skip: 3, crc: 'modbus', title: null })),
          datapoints: ones.map(({ name: own, unit }) => ({
            template: own,
            name: own,
            offset: 0,
            encoding: 'Int8',
            byte_order: 'big',
            decimals: 0,
            unit,
          })),
        };
        expect(fromYaml(yamlOf(content))).toEqual(content);
        expect(fromCsv(csvOf(content))).toEqual(content);
      }),
    );
  });
});

test('an entry that no file names stays, and one that a file names is as the file says', () => {
  const after = fromYaml('devices:\n  - { name: f2-02f200000001, title: Cellar }\n  - name: f2-02f200000002\n', CONTENT);
  expect(after.devices).toEqual([
    { name: 'f2-02f200000001', title: 'Cellar' },
    { name: 'f2-02f200000002', title: null },
  ]);
  expect(after.pins).toEqual(CONTENT.pins);
});

test('a datapoint that is there keeps its place, a new one comes last, in whatever order files name them', () => {
  const names = (content: Content): unknown[] => content.datapoints.map(({ name }) => name);
  const yaml =
    'datapoints:\n  - { template: climate, name: noise, offset: 12, encoding: Uint8 }\n  - { template: climate, name: co2, offset: 8, encoding: Uint16 }\n';
  expect(names(fromYaml(yaml, CONTENT))).toEqual(['temperature', 'humidity', 'pressure', 'co2', 'battery', 'signal', 'noise']);
  const all = { ...CONTENT, datapoints: CONTENT.datapoints.toReversed() };
  expect(names(fromYaml(yamlOf(all), CONTENT, true))).toEqual(names(CONTENT));
});

test('of files that are the whole registry: what they do not name is gone', () => {
  const some: Content = { ...CONTENT, pins: CONTENT.pins.slice(1), connectors: CONTENT.connectors.slice(1) };
  expect(fromYaml(yamlOf(some), CONTENT, true)).toEqual(some);
});

describe('what is wrong is told with its place, and nothing is taken over', () => {
  const head = 'devices:\n  - name: f2-02f200000001\n';
  test.each<[string, RegExp]>([
    [
      'devices:\n  - name: f2-02F200000001\n',
      /^registry\.yaml:2:11 devices\.0\.name: name of devices is not allowed\n {2}found: {3}"f2-02F2.*\n {2}allowed: .*lower-case/,
    ],
    ['devices:\n  - title: Hall\n', /:2:5 .*name of devices is missing\n {2}found: {3}nothing/],
    [
      'devices:\n  - { name: f2-02f200000001, titel: x }\n',
      /:2:\d+ .*no such column\n {2}found: {3}"titel"\n {2}allowed: title\? One of name, title/,
    ],
    ['device: []\n', /:1:1 .*no such table\n.*\n {2}allowed: devices\?/],
    ['devices: {}\n', /this is no list/],
    ['- 1\n', /the file is no object/],
    ['', /the file is empty/],
    ['devices:\n  - 5\n', /:2:5 .*this is no entry/],
    [`${head}${head.slice(9)}`, /:3:5 .*comes twice, first in registry\.yaml:2/],
    ['types:\n  - { name: a, kind: framee }\n', /:2:\d+ types\.0\.kind: .*\n.*\n {2}allowed: frame, door/],
    ['types:\n  - { name: 5, kind: frame }\n', /is no text; in YAML, put it in quotes\n {2}found: {3}5/],
    [
      'datapoints:\n  - { template: a, name: b, offset: -1, encoding: Int8 }\n',
      /offset .*\n {2}found: {3}-1\n {2}allowed: a whole number from 0 to 65535/,
    ],
    ['datapoints:\n  - { template: a, name: b, offset: 1.5, encoding: Int8 }\n', /found: {3}1\.5/],
    ['datapoints:\n  - { template: a, name: b, offset: 0, encoding: Float64 }\n', /allowed: Int8, Uint8, Int16/],
    [
      'datapoints:\n  - { template: climat, name: b, offset: 0, encoding: Int8 }\n',
      /no template of this name in templates\n {2}found: {3}climat\n {2}allowed: climate\?/,
    ],
    ['connectors:\n  - { device: f2-02f200000009, name: J1 }\n', /no device of this name in devices/],
    [
      'pins:\n  - { device: f2-02f200000001, connector: J7, component: a, mode: io, template: door }\n',
      /:2:\d+ .*no device and connector/,
    ],
    ['a: [\n', /^registry\.yaml:\d+:\d+/],
  ])('%j', (yaml, message) => {
    expect(() => fromYaml(yaml, CONTENT)).toThrow(message);
  });

  test.each<[string, string, RegExp]>([
    [
      'devices.csv',
      'name,title\nf2-02f200000001,Hall\nf2-1,x\n',
      /^devices\.csv:3:1 name: name of devices is not allowed\n {2}found: {3}"f2-1"/,
    ],
    [
      'devices.csv',
      'name,title\nf2-02f200000001\n',
      /devices\.csv:2:1: the row has another number of values.*\n {2}found: {3}1 values\n {2}allowed: 2/,
    ],
    ['devices.csv', 'name,name\n', /a column comes twice/],
    ['devices.csv', 'name,titel\nf2-02f200000001,x\n', /devices\.csv:2:1 titel: .*no such column/],
    ['devices.csv', '', /the file is empty/],
    ['devices.csv', 'name\n"f2', /the file is no CSV/],
    ['devices.csv', 'name\n\xff', /./],
    ['machines.csv', 'name\n', /the name of the file names no table/],
    ['datapoints.csv', 'template,name,offset,encoding\nclimate,a,1x,Int8\n', /found: {3}"1x"/],
  ])('%s %j', (file, text, message) => {
    expect(() => fromCsv(new Map([[file, text]]), CONTENT)).toThrow(message);
  });

  test('all of it at once', () => {
    const yaml = 'devices:\n  - name: a\n  - name: b\ntypes:\n  - { name: c, kind: d }\n';
    expect(() => fromYaml(yaml)).toThrow(/:2:[\s\S]*:3:[\s\S]*:5:/);
  });

  test('what a whole registry leaves out is missed by what names it', () => {
    expect(() => fromYaml(yamlOf({ ...CONTENT, connectors: [] }), CONTENT, true)).toThrow(
      /no device and connector of this name in connectors/,
    );
  });
});

test('a folder is its CSV files, a file that is not there is told', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-registry-'));
  try {
    for (const [name, text] of csvOf(CONTENT)) writeFileSync(join(folder, name), text);
    const { entries, problems } = await readFiles([folder]);
    expect(merged(NOTHING, entries, problems, true)).toEqual(CONTENT);
    const missing = await readFiles([join(folder, 'none.yaml')]);
    expect(() => merged(NOTHING, missing.entries, missing.problems, false)).toThrow(
      /none\.yaml:1:1: the file cannot be read\n {2}found: {3}no such file/,
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('whatever bytes a file holds: problems, and never another error', () => {
  const values = fc.oneof(fc.string(), fc.integer(), fc.constant(null), fc.jsonValue());
  const entry = (name: TableName): fc.Arbitrary<unknown> =>
    fc.record(Object.fromEntries(TABLES[name].columns.map((column) => [column.name, values])), { requiredKeys: [] });
  const yaml = fc
    .record(Object.fromEntries(TABLE_NAMES.map((name) => [name, fc.array(entry(name), { maxLength: 2 })])), { requiredKeys: [] })
    .map((value) => Buffer.from(JSON.stringify(value)));
  const bytes = fc.oneof(
    yaml,
    fc.uint8Array({ maxLength: 100 }).map((array) => Buffer.from(array)),
  );
  const caught = (work: () => unknown): void => {
    try {
      work();
    } catch (error) {
      expect((error as Error).name).toBe('RegistryError');
    }
  };
  fc.assert(
    fc.property(bytes, fc.boolean(), (file, whole) => {
      caught(() => {
        const { entries, problems } = readYaml(file, 'a.yaml');
        registryOf(merged(CONTENT, entries, problems, whole));
      });
      caught(() => {
        const { entries, problems } = readCsv(file, 'devices.csv');
        registryOf(merged(CONTENT, entries, problems, whole));
      });
    }),
    { numRuns: 300 },
  );
});

test('entries are what tables say', () => {
  for (const name of TABLE_NAMES)
    for (const entry of CONTENT[name] as readonly Entry[])
      expect(Object.keys(entry).toSorted()).toEqual(TABLES[name].columns.map((column) => column.name).toSorted());
});
