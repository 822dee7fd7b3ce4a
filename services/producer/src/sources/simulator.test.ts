/** What a simulator sends to a real Kafka. */
import { describe, expect, test } from 'vitest';
import { simulate } from '../simulator/simulate.ts';
import { until, untilState, valuesInOrder } from '../testing/pipeline.ts';
import { expectOnce, prepare, raw, start, upTo, withKafka } from '../testing/replaying.ts';

withKafka();

describe('simulator', () => {
  const simulator = { seed: 1, devices: 7, start: '2026-01-01T00:00:00Z', limit: 3_000, faults: { every: 100 } };

  test('sends exactly what simulate() says, also over restarts', async () => {
    const pipeline = await prepare({ simulator });
    const worker = await start(pipeline);
    await until(() => /^(sending: [1-9]|completed)/.test(worker.health().state) || null);
    await worker.stop();
    expect(await untilState(await start(pipeline), 'completed')).toBe('completed: 3000 records');
    const logs = await raw(pipeline);
    expectOnce(logs, 3_000);
    expect(valuesInOrder(logs)).toEqual(upTo(3_000).map((n) => simulate(pipeline, n).value.toString()));
  });

  test('keeps its rate', async () => {
    const pipeline = await prepare({ simulator: { ...simulator, rate: 100, limit: 50 } });
    const startedMs = performance.now();
    await untilState(await start(pipeline), 'completed');
    // Never faster than asked; how much slower is the machine's affair.
    expect(performance.now() - startedMs).toBeGreaterThan(480);
  });
});
