import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { commandOf, MOST_PAYLOAD_BYTES, matchOf } from './command.ts';

test('a command is taken as it is meant', () => {
  const { payload, ...rest } = commandOf('f2-1', { topic: 'auto/J1/strike', payload: 'ON', timeoutSeconds: 2.5 });
  expect(rest).toEqual({ device: 'f2-1', topic: 'auto/J1/strike', timeoutMs: 2_500 });
  expect(payload.toString()).toBe('ON');
  expect(commandOf('f2-1', { topic: 'x', payload: { on: true } }).payload.toString()).toBe('{"on":true}');
  expect(commandOf('f2-1', { topic: 'x', payload: null }).payload.toString()).toBe('null');
  expect(commandOf('f2-1', { topic: 'x' })).toMatchObject({ payload: Buffer.alloc(0), timeoutMs: 10_000 });
});

test.each([
  ['no object', 'ON', 'topic'],
  ['an array', [], 'topic'],
  ['null', null, 'topic'],
  ['no topic', {}, 'topic'],
  ['a topic that is no text', { topic: 7 }, 'topic'],
  ['an empty topic', { topic: '' }, 'topic'],
  ['all topics', { topic: '#' }, 'topic'],
  ['a wildcard', { topic: 'auto/+/strike' }, 'topic'],
  ['an empty level', { topic: 'auto//strike' }, 'topic'],
  ['a level before it', { topic: '/auto' }, 'topic'],
  ['NUL', { topic: 'a\0b' }, 'topic'],
  ['half a character', { topic: 'a\ud800' }, 'topic'],
  ['a long topic', { topic: 'x'.repeat(201) }, 'topic'],
  ['too much', { topic: 'x', payload: 'x'.repeat(MOST_PAYLOAD_BYTES + 1) }, 'payload'],
  ['no time at all', { topic: 'x', timeoutSeconds: 0 }, 'timeoutSeconds'],
  ['too long a time', { topic: 'x', timeoutSeconds: 61 }, 'timeoutSeconds'],
  ['a time as text', { topic: 'x', timeoutSeconds: '5' }, 'timeoutSeconds'],
  ['a mistyped member', { topic: 'x', timeout: 5 }, 'timeout'],
])('%s is refused by its name', (_what, body, field) => {
  expect(() => commandOf('f2-1', body)).toThrow(expect.objectContaining({ name: 'IdentityRefused', field }));
});

test('whatever is asked is refused in a sentence, or stays below the topics of the device', () => {
  fc.assert(
    fc.property(
      fc.string(),
      fc.oneof(fc.anything(), fc.record({ topic: fc.string(), payload: fc.anything() })),
      (device, body) => {
        try {
          const { topic } = commandOf(device, body);
          expect(`cmnd/${device}/${topic}`).toMatch(/^cmnd\/[^/+#]+\/[^+#]+$/);
        } catch (error) {
          expect((error as Error).name).toBe('IdentityRefused');
        }
      },
    ),
  );
});

describe('what is an answer', () => {
  const id = Buffer.from('a'.repeat(32), 'hex');
  const other = Buffer.from('b'.repeat(32), 'hex');
  const heard = (correlation: Buffer | null, retain = false) => ({ payload: Buffer.from('x'), retain, correlation });

  test.each([
    ['with its number', heard(id), false, 'correlation'],
    ['with its number, from a device that sends numbers', heard(id), true, 'correlation'],
    ['with the number of another command', heard(other), false, null],
    ['without a number', heard(null), false, 'topic'],
    ['without a number, from a device that sends numbers', heard(null), true, null],
    ['said before', heard(null, true), false, null],
    ['said before, with its number', heard(id, true), false, null],
  ])('%s', (_what, one, strict, by) => {
    expect(matchOf(one, id, strict)).toBe(by);
  });
});
