import type { PartitionState } from '@millrace/core/kafka/kafka.ts';
import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { DlqError } from './dlq.ts';
import { RefusedWhole } from './isolate.ts';
import { healthOf, type Pause, pauseReason } from './pauses.ts';

const server = (code: string): Error => Object.assign(new pg.DatabaseError('x', 1, 'error'), { severity: 'ERROR', code });

describe('the class of an error', () => {
  test.each([
    [server('42P01'), 'missing'],
    [server('42703'), 'missing'],
    [server('42501'), 'rights'],
    [server('28P01'), 'rights'],
    [server('53100'), 'full'],
    [server('25006'), 'read_only'],
    [server('57014'), 'timeout'],
    [server('55P03'), 'timeout'],
    [server('57P01'), 'connection'],
    [server('XX000'), 'other'],
    [Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }), 'connection'],
    [new Error('Connection terminated unexpectedly'), 'connection'],
    [new Error('Query read timeout'), 'connection'],
    [new RefusedWhole('all'), 'refused_whole'],
    [new DlqError('no leader'), 'dlq'],
    [new TypeError('a bug'), 'other'],
  ])('%s: %s', (error, reason) => {
    expect(pauseReason(error)).toBe(reason);
  });
});

describe('health', () => {
  const at = (partition: number, state: PartitionState['state'] = 'reading', reason: string | null = null): PartitionState => {
    return { partition, state, reason, next: 0, end: 0 };
  };
  const pause: Pause = { at: 'store', reason: 'full', message: 'no space left', version: 1 };

  test.each([
    [
      'no partition: another member has them',
      [],
      new Map(),
      { ready: true, phase: 'running', state: 'no partitions: waiting for the group' },
    ],
    ['all reading', [at(0), at(1)], new Map(), { ready: true, phase: 'running', state: 'reading' }],
    [
      'some loading',
      [at(0, 'loading'), at(1)],
      new Map(),
      { ready: true, phase: 'running', state: 'reading; 1 of 2 partitions loading' },
    ],
    [
      'one of two paused',
      [at(0), at(1)],
      new Map([[1, pause]]),
      { ready: true, phase: 'paused', state: 'paused: 1 of 2 partitions (partition 1, full): no space left' },
    ],
    [
      'all paused',
      [at(1, 'loading')],
      new Map([[1, pause]]),
      { ready: false, phase: 'paused', state: 'paused: 1 of 1 partitions (partition 1, full): no space left' },
    ],
    [
      'a pause of a partition that another member has now',
      [at(0)],
      new Map([[1, pause]]),
      { ready: true, phase: 'running', state: 'reading' },
    ],
    [
      'Kafka away',
      [at(0, 'paused', 'no broker answers')],
      new Map(),
      { ready: false, phase: 'paused', state: 'paused: 1 of 1 partitions (partition 0): no broker answers' },
    ],
  ] as const)('%s', (_what, partitions, pauses, expected) => {
    expect(healthOf(partitions, pauses as ReadonlyMap<number, Pause>)).toEqual(expected);
  });
});
