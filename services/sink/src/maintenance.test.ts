import { pino } from 'pino';
import { Registry } from 'prom-client';
import { describe, expect, test } from 'vitest';
import { maintain, pauseMs } from './maintenance.ts';
import { sinkMetrics } from './metrics.ts';

const log = pino({ level: 'silent' });

describe('the pause between two runs', () => {
  test.each([
    ['nothing to do: the tail waits a second', [2, false, 0, 1000], 1000],
    ['quick and more to do: at once, but for a rest', [5, true, 0, 1000], 20],
    ['slow: a fifth of the time at most', [3000, true, 0, 1000], 12_000],
    ['very slow: a minute', [50_000, false, 0, 1000], 60_000],
    ['failed at once: a back-off that grows', [1, false, 2, 1000], 4000],
    ['failed for hours: half a minute', [1, false, 500, 60_000], 30_000],
  ] as const)('%s', (_what, [tookMs, hasMore, failures, everyMs], expected) => {
    expect(pauseMs(tookMs, hasMore, failures, everyMs)).toBe(expected);
  });
});

test('a task that fails is counted and tried again, and does not keep the other one from running', async () => {
  const metrics = sinkMetrics(new Registry());
  let failures = 0;
  const ran = Promise.withResolvers<void>();
  const failing = async (): Promise<boolean> => {
    failures += 1;
    throw new Error('disk full');
  };
  const working = async (): Promise<boolean> => {
    if (failures > 1) ran.resolve();
    return true;
  };
  const maintenance = maintain(
    'p',
    [
      { name: 'refresh', everyMs: 10, run: failing },
      { name: 'retention', everyMs: 10, run: working },
    ],
    metrics,
    log,
  );
  await ran.promise;
  await maintenance.stop();
  const counted = (await metrics.maintenanceFailures.get()).values[0]?.value;
  expect(counted).toBe(failures);
});

test('stop cuts a running task short and starts no other', async () => {
  const started = Promise.withResolvers<void>();
  let runs = 0;
  const run = (signal: AbortSignal): Promise<boolean> => {
    runs += 1;
    started.resolve();
    return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  };
  const maintenance = maintain('p', [{ name: 'refresh', everyMs: 0, run }], sinkMetrics(new Registry()), log);
  await started.promise;
  await maintenance.stop();
  expect(runs).toBe(1);
});
