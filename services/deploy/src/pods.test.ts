import { expect, test } from 'vitest';
import { type Pod, stateOf, statesOf } from './pods.ts';
import { allReady, plain } from './wait.ts';

type Container = NonNullable<Pod['status']['containerStatuses']>[number];

const pod = (status: Partial<Pod['status']>, container?: Partial<Container>): Pod => ({
  metadata: { name: 'kafka-0' },
  status: {
    phase: 'Running',
    ...status,
    ...(container ? { containerStatuses: [{ name: 'broker', ready: false, restartCount: 0, state: {}, ...container }] } : {}),
  },
});
const waiting = (reason: string, restartCount = 0, message?: string): Pod =>
  pod({ phase: 'Pending' }, { restartCount, state: { waiting: { reason, ...(message ? { message } : {}) } } });

test.each<[string, Pod, Partial<ReturnType<typeof stateOf>>]>([
  ['serves', pod({}, { ready: true }), { done: true, reason: 'ready' }],
  ['has run to its end', pod({ phase: 'Succeeded' }), { done: true }],
  ['runs', pod({}, {}), { done: false, stuck: false, reason: 'runs, not ready yet' }],
  ['waits for a Secret', waiting('ContainerCreating'), { done: false, stuck: false, reason: 'ContainerCreating' }],
  ['has no image', waiting('ImagePullBackOff', 0, 'not found'), { stuck: true, reason: 'ImagePullBackOff: not found' }],
  ['crashes for the second time', waiting('CrashLoopBackOff', 2), { stuck: false }],
  ['crashes again and again', waiting('CrashLoopBackOff', 6), { stuck: true }],
  ['failed', pod({ phase: 'Failed', reason: 'DeadlineExceeded' }), { stuck: true, reason: 'failed: DeadlineExceeded' }],
  [
    'was killed for memory',
    pod({}, { restartCount: 1, lastState: { terminated: { reason: 'OOMKilled', exitCode: 137 } } }),
    { reason: 'runs, not ready yet, started 2 times (OOMKilled, exit code 137)' },
  ],
  [
    'finds no node',
    pod({ phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'False', message: '0/1 nodes: Insufficient memory' }] }),
    { reason: 'not scheduled: 0/1 nodes: Insufficient memory' },
  ],
])('a pod that %s', (_, one, expected) => {
  expect(stateOf(one)).toMatchObject(expected);
});

test('what is on its way out is not waited for, and an empty namespace is not ready', () => {
  const leaving = { ...pod({}, {}), metadata: { name: 'old', deletionTimestamp: '2026-01-01T00:00:00Z' } };
  expect(statesOf([leaving])).toEqual([]);
  expect(allReady([])).toBe('pods');
  expect(allReady(statesOf([pod({}, { ready: true })]))).toBe('');
  expect(allReady(statesOf([waiting('ContainerCreating')]))).toBe('kafka-0 (ContainerCreating)');
});

test('pods are told by what they wait for, by the names that people gave', () => {
  const named = (name: string): Pod => ({ ...waiting('ContainerCreating'), metadata: { name } });
  const pods = [named('traffic-sink-5b5ff5d456-dchhq'), named('traffic-setup-45d56f4b-6w6m7'), pod({}, {})];
  expect(allReady(statesOf(pods))).toBe('traffic-sink, traffic-setup (ContainerCreating); kafka-0 (runs, not ready yet)');
});

test.each([
  ['{"level":"error","msg":"sending stopped","err":{"message":"no answer"}}', 'error: sending stopped: no answer'],
  ['{"level":"info","msg":"waiting for Kafka","error":"refused"}', 'info: waiting for Kafka: refused'],
  ['{"a":1}', '{"a":1}'],
  ['[main] INFO it started', '[main] INFO it started'],
])('the log line %s is told as %s', (line, told) => {
  expect(plain(line)).toBe(told);
});
