import { pino } from 'pino';
import { expect, test } from 'vitest';
import { keepRunning, restartDelayMs } from './keepRunning.ts';
import type { Worker } from './role.ts';

const log = pino({ level: 'silent' });

function fakeWorker(): Worker & { fail(error: Error): void; stops: number } {
  const { promise, resolve } = Promise.withResolvers<Error>();
  const worker = {
    failed: promise,
    fail: resolve,
    stops: 0,
    health: () => ({ ready: true, phase: 'running' as const, state: 'reading' }),
    stop: async () => {
      worker.stops += 1;
    },
  };
  return worker;
}

test('back-off grows and is bounded', () => {
  expect([1, 2, 3, 4, 20].map(restartDelayMs)).toEqual([500, 1000, 2000, 4000, 30_000]);
});

test('a worker that could not start is started again, and says why meanwhile', async () => {
  const good = fakeWorker();
  const started = Promise.withResolvers<void>();
  let starts = 0;
  const kept = keepRunning(async () => {
    starts += 1;
    if (starts === 1) throw new Error('no such topic');
    started.resolve();
    return good;
  }, log);
  await new Promise((resolve) => setImmediate(resolve));
  expect(kept.health()).toEqual({ ready: false, phase: 'failed', state: 'failed: no such topic' });
  await started.promise;
  await new Promise((resolve) => setImmediate(resolve));
  expect(kept.health().ready).toBe(true);
  await kept.stop();
  expect(good.stops).toBe(1);
});

test('a worker that failed is stopped before the next one starts', async () => {
  const workers = [fakeWorker(), fakeWorker()];
  const second = Promise.withResolvers<void>();
  const order: string[] = [];
  let starts = 0;
  const kept = keepRunning(async () => {
    const worker = workers[starts] as ReturnType<typeof fakeWorker>;
    starts += 1;
    order.push(`start ${starts}, stopped before: ${workers[0]?.stops}`);
    if (starts === 2) second.resolve();
    return worker;
  }, log);
  await new Promise((resolve) => setImmediate(resolve));
  workers[0]?.fail(new Error('reader ended'));
  await second.promise;
  await kept.stop();
  expect(order).toEqual(['start 1, stopped before: 0', 'start 2, stopped before: 1']);
  expect(workers[1]?.stops).toBe(1);
});

test('stop while waiting for the next start ends at once', async () => {
  const kept = keepRunning(async () => {
    throw new Error('never');
  }, log);
  await new Promise((resolve) => setImmediate(resolve));
  await kept.stop();
  expect(kept.health().ready).toBe(false);
});
