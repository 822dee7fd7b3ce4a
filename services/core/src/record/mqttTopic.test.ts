import { expect, test } from 'vitest';
import { isTopicPath, topicMembersOf } from './mqttTopic.ts';

test.each([
  ['$topic', 'tele/f2-01/io/J1/door', 'tele/f2-01/io/J1/door'],
  ['$topic.1', 'tele/f2-01/io/J1/door', 'tele'],
  ['$topic.5', 'tele/f2-01/io/J1/door', 'door'],
  ['$topic.6', 'tele/f2-01/io/J1/door', undefined],
  ['$topic.1', '/leading', ''],
  ['$topic.2', undefined, undefined],
  ['$topic', undefined, undefined],
])('%s of %j', (path, topic, value) => {
  expect(topicMembersOf(['x', path])?.(topic)).toEqual({ [path]: value });
});

test.each(['topic', '$topic.0', '$topic.01', '$topic.x', '$topic.1.2', '$topics', 'a.$topic', '$topic.100'])(
  '%s is a path of the payload',
  (path) => {
    expect(isTopicPath(path)).toBe(false);
    expect(topicMembersOf([path])).toBeNull();
  },
);
