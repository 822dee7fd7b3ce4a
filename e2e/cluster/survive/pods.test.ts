import { expect, test } from 'vitest';
import { aliveJobs, containerOf, type LivePod, missingOf, podOf, services, targetsOf, wantedOf, workloadOf } from './pods.ts';

interface Made {
  owner?: [kind: string, name: string];
  ready?: boolean;
  leaving?: boolean;
  created?: string;
  phase?: LivePod['status']['phase'];
}

function made(
  name: string,
  { owner = ['StatefulSet', 'kafka'], ready = true, leaving = false, created = '1', phase = 'Running' }: Made = {},
): LivePod {
  return {
    metadata: {
      name,
      uid: `uid-${name}`,
      creationTimestamp: created,
      labels: {},
      ownerReferences: [{ kind: owner[0], name: owner[1] }],
      ...(leaving ? { deletionTimestamp: '2' } : {}),
    },
    spec: { containers: [{ image: 'i' }] },
    status: { phase, containerStatuses: [{ name: 'c', ready, restartCount: 2, state: {}, containerID: 'containerd://abc' }] },
  };
}

const sink = (name: string, more: Made = {}): LivePod => made(name, { owner: ['ReplicaSet', 'proof-sink-5b5ff5d456'], ...more });
const job = (phase: LivePod['status']['phase']): LivePod => made('proof-setup-1-x', { owner: ['Job', 'proof-setup-1'], phase });

test('each pod of a service is a target once, those of Jobs are none', () => {
  const pods = [
    made('kafka-0'),
    made('kafka-1'),
    sink('proof-sink-5b5ff5d456-aaaaa'),
    sink('proof-sink-5b5ff5d456-bbbbb'),
    job('Running'),
  ];
  expect(targetsOf(pods)).toEqual([
    { workload: 'kafka', pod: 'kafka-0' },
    { workload: 'kafka', pod: 'kafka-1' },
    { workload: 'proof-sink', pod: null },
    { workload: 'proof-sink', pod: null },
  ]);
  expect(services(pods).map(workloadOf)).toEqual(['kafka', 'kafka', 'proof-sink', 'proof-sink']);
});

test('of a Deployment the oldest pod is meant that is not on its way out, so that the second fault meets another one', () => {
  const pods = [sink('young', { created: '3' }), sink('old', { created: '1', leaving: true }), sink('middle', { created: '2' })];
  expect(podOf({ workload: 'proof-sink', pod: null }, pods).metadata.name).toBe('middle');
  expect(() => podOf({ workload: 'kafka', pod: 'kafka-0' }, pods)).toThrow('there is no pod kafka-0');
});

test('a pod that is away, not ready or on its way out is missed', () => {
  const wanted = new Map([['kafka', 1]]);
  expect(missingOf([made('kafka-0')], wanted)).toBe('');
  expect(missingOf([], wanted)).toBe('0 of 1 pods of kafka');
  expect(missingOf([made('kafka-0', { ready: false })], wanted)).toContain('kafka-0 (runs, not ready yet');
  expect(missingOf([made('kafka-0', { leaving: true })], wanted)).toBe('kafka-0 (on its way out)');
  expect(missingOf([made('kafka-0'), made('kafka-1')], wanted)).toBe('2 of 1 pods of kafka');
});

test('how many pods there shall be is what workloads say, not what is there in the midst of a rollout', () => {
  const workloads = [
    { metadata: { name: 'kafka' }, spec: { replicas: 3 } },
    { metadata: { name: 'a' }, spec: {} },
  ];
  expect(wantedOf(workloads)).toEqual(
    new Map([
      ['kafka', 3],
      ['a', 1],
    ]),
  );
});

test('Jobs that have ended are not alive', () => {
  expect(aliveJobs([job('Succeeded'), job('Failed'), made('kafka-0')])).toEqual([]);
  expect(aliveJobs([job('Pending'), job('Running')])).toHaveLength(2);
});

test('the container of a pod is named as its runtime knows it', () => {
  expect(containerOf(made('kafka-0'))).toEqual({ id: 'abc', restarts: 2 });
  expect(() => containerOf({ ...made('kafka-0'), status: { phase: 'Pending' } })).toThrow('no container runs in the pod kafka-0');
});
