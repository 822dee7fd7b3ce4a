import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import { describe, expect, test } from 'vitest';
import { UsageError } from '../usage.ts';
import { endless, type Overrides, parsePace, withOverrides } from './overrides.ts';

function pipeline(source: Pipeline['spec']['source']): Pipeline {
  const record = { key: 'id', time: { field: 't' }, fields: { id: { type: 'text' as const } } };
  return {
    apiVersion: 'millrace.dev/v1alpha1',
    kind: 'Pipeline',
    metadata: { name: 'p' },
    spec: { source, record, table: { name: 'p' } },
  };
}
const named = { topics: ['a'], url: 'mqtts://theirs', tls: { secretRef: { name: 's' } } };
const simulator = { seed: 1, devices: 1 };

const cases: [Pipeline['spec']['source'], Overrides, Pipeline['spec']['source']][] = [
  [{ replay: { path: 'a', limit: 5 } }, {}, { replay: { path: 'a', limit: 5 } }],
  [
    { replay: { path: 'a', limit: 5 } },
    { limit: 0, loop: true, pace: '60x' },
    { replay: { path: 'a', limit: 0, loop: true, pace: { multiplier: 60 } } },
  ],
  [{ simulator }, { limit: 9, loop: true }, { simulator: { ...simulator, limit: 9 } }],
  [{ mqtt: { topics: ['a'] } }, { platformBroker: 'mqtt://own' }, { mqtt: { topics: ['a'], url: 'mqtt://own' } }],
  [{ mqtt: { topics: ['a'] } }, { mqttBroker: 'mqtt://x' }, { mqtt: { topics: ['a'], url: 'mqtt://x' } }],
  // Who names a broker means that one, unless somebody says that all are to be replaced.
  [{ mqtt: { ...named } }, { platformBroker: 'mqtt://own' }, { mqtt: { ...named } }],
  [{ mqtt: { ...named } }, { mqttBroker: 'mqtt://x' }, { mqtt: { topics: ['a'], url: 'mqtt://x' } }],
];
test.each(cases)('%j with %j', (source, overrides, expected) => {
  const given = pipeline(source);
  expect(withOverrides(given, overrides).spec.source).toEqual(expected);
  expect(given.spec.source).toBe(source);
});

test('a pace is unlimited, an interval or a multiplier', () => {
  expect([parsePace('unlimited'), parsePace('1s'), parsePace('0.5x')]).toEqual([
    { unlimited: true },
    { interval: '1s' },
    { multiplier: 0.5 },
  ]);
  for (const bad of ['', 'fast', '0x', '-1s', '1 s', 'x']) expect(() => parsePace(bad)).toThrow(UsageError);
});

describe('--once is refused where the source never ends', () => {
  test.each<[Pipeline['spec']['source'], boolean]>([
    [{ replay: { path: 'a' } }, false],
    [{ replay: { path: 'a', loop: true } }, true],
    [{ replay: { path: 'a', loop: true, limit: 3 } }, false],
    [{ simulator }, true],
    [{ simulator: { ...simulator, limit: 3 } }, false],
    [{ topic: { name: 'x' } }, true],
  ])('%j', (source, expected) => expect(endless(pipeline(source)) !== null).toBe(expected));
});
