import { expect, test } from 'vitest';
import { defaultValues, parseValues } from '../platform/loadValues.ts';
import { PARTS } from '../platform/platform.ts';
import { chartFiles } from './chart.ts';

const files = chartFiles();
const templates = [...files].filter(([path]) => /^templates\/.*\.(yaml|tpl)$/.test(path));

test('values.yaml holds every default, and nothing else', () => {
  expect(parseValues(files.get('values.yaml') ?? '', 'values.yaml')).toEqual(defaultValues());
});

test('what is optional becomes a right value when its comment signs are taken away', () => {
  const text = (files.get('values.yaml') ?? '').replace(
    /^( *)# external:\n\1# {3}# .*\n\1# {3}brokers:/m,
    '$1external:\n$1  brokers: k:9092',
  );
  expect(parseValues(text, 'values.yaml').kafka.external).toEqual({ brokers: 'k:9092' });
});

test('each part of the platform has its template', () => {
  expect(templates.map(([path]) => path)).toEqual(expect.arrayContaining(PARTS.map(({ add }) => `templates/${add.name}.yaml`)));
});

test('no template holds a Secret, or makes anything up', () => {
  for (const [path, text] of templates) {
    expect(text, path).not.toMatch(/^kind: Secret$/m);
    expect(text, path).not.toMatch(/\b(rand\w*|genCA|genSignedCert|genSelfSignedCert|genPrivateKey|uuidv4|now|lookup)\b(?= |\))/);
  }
});

test('is the same every time, and holds no mark of what made it', () => {
  expect([...chartFiles()]).toEqual([...files]);
  for (const [path, text] of files) {
    const odd = [...text].filter((character) => character < ' ' && character !== '\n');
    expect(odd, path).toEqual([]);
    expect(text, path).not.toMatch(/u000[1-4]/);
  }
});
