import { expect, test } from 'vitest';
import { readable, selectorOf } from './logs.ts';

test.each([
  [
    '{"level":"info","time":"2026-01-02T03:04:05.678Z","role":"sink","pipeline":"feeds/traffic","msg":"stored","rows":5236}',
    '03:04:05.678  info  stored  rows=5236',
  ],
  [
    '{"level":"error","msg":"cannot send","err":{"message":"no answer"},"topic":"a b"}',
    'error  cannot send  no answer  topic=a b',
  ],
  ['{"level":"info","msg":"at","place":{"a":1}}', 'info  at  place={"a":1}'],
  ['[2026-01-02] INFO Kafka started', '[2026-01-02] INFO Kafka started'],
  ['{"t":1}', '{"t":1}'],
  ['{"level":"info","time":"soon"', '{"level":"info","time":"soon"'],
])('the line %s is read as %s', (line, text) => {
  expect(readable(line)).toBe(text);
});

test('only what was asked for is selected', () => {
  expect(selectorOf({ role: null, pipeline: null })).toBe('app.kubernetes.io/part-of=millrace');
  expect(selectorOf({ role: 'sink', pipeline: 'traffic' })).toBe(
    'app.kubernetes.io/part-of=millrace,app.kubernetes.io/component=sink,app.kubernetes.io/instance=traffic',
  );
});
