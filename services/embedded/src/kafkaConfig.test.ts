import fc from 'fast-check';
import { expect, test } from 'vitest';
import { metaProperties, randomKafkaId, serverProperties } from './kafkaConfig.ts';

const one = { id: 1, clientPort: 9092, controllerPort: 9093 };
const three = [one, { id: 2, clientPort: 9094, controllerPort: 9095 }, { id: 3, clientPort: 9096, controllerPort: 9097 }];

/** java.util.Properties, as far as one-line values go. */
function parse(text: string): Record<string, string> {
  const plain = (value: string) =>
    value.replace(/\\u(....)|\\(.)/g, (_, code, char) =>
      code === undefined ? char : String.fromCharCode(Number.parseInt(code, 16)),
    );
  const lines = text.split('\n').filter((line) => line !== '');
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf('=')), plain(line.slice(line.indexOf('=') + 1))]));
}

test('a node listens on the loopback only and makes no topic by itself', () => {
  const properties = parse(serverProperties(one, [one], '/data', {}));
  expect(properties.listeners).toBe('PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093');
  expect(properties['auto.create.topics.enable']).toBe('false');
  expect(properties['min.insync.replicas']).toBe('1');
});

test('of three nodes, one may die without an acknowledged record being lost or a write being refused', () => {
  const properties = parse(serverProperties(one, three, '/data', {}));
  expect(properties['default.replication.factor']).toBe('3');
  expect(properties['min.insync.replicas']).toBe('2');
  expect(properties['controller.quorum.voters']).toBe('1@127.0.0.1:9093,2@127.0.0.1:9095,3@127.0.0.1:9097');
});

test('settings of the caller win, whatever they hold', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (value) => {
      const text = serverProperties(one, [one], '/data', { 'message.max.bytes': value });
      expect(text).toMatch(/^[ -~\n]*$/);
      expect(parse(text)['message.max.bytes']).toBe(value);
    }),
  );
});

test('a data folder gets an identity of its own', () => {
  expect(metaProperties('cluster', 3)).toMatch(/^version=1\ncluster.id=cluster\nnode.id=3\ndirectory.id=[\w-]{22}\n$/);
  expect(randomKafkaId()).not.toBe(randomKafkaId());
});
