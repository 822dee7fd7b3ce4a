import type { PartitionState } from '@millrace/core/kafka/kafka.ts';
import type { Phase } from '@millrace/core/role/role.ts';
import { expect, test } from 'vitest';
import { healthOf, pausedOf } from './health.ts';

const partition = (number: number, state: PartitionState['state'], reason: string | null = null): PartitionState => ({
  partition: number,
  state,
  reason,
  next: null,
  end: null,
});

test.each<[PartitionState[], boolean, Phase, string, number]>([
  [[], true, 'running', 'standing by: no partition assigned', 0],
  [[partition(0, 'reading'), partition(1, 'reading')], true, 'running', 'reading 2 partitions', 0],
  [[partition(0, 'reading'), partition(1, 'loading')], false, 'starting', 'loading 1 of 2 partitions', 0],
  [[partition(0, 'paused', 'no such topic'), partition(1, 'loading')], false, 'paused', 'paused: partition 0: no such topic', 1],
])('%j', (partitions, ready, phase, state, paused) => {
  expect(healthOf(partitions)).toEqual({ ready, phase, state });
  expect(pausedOf(partitions)).toHaveLength(paused);
});
