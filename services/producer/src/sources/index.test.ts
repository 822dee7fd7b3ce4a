import { expect, test } from 'vitest';
import { sourceOf } from './index.ts';
import { mqtt } from './mqtt.ts';

test('a source that is not built yet is refused by name, with those that are', () => {
  expect(sourceOf({ mqtt: {} })).toBe(mqtt);
  expect(() => sourceOf({ topic: { name: 'a' } })).toThrow(
    'source.topic is not built yet; allowed are replay, http, mqtt, simulator',
  );
});
