/** A replay that is killed, stopped, cut off or given another file, into a real Kafka: what is missing comes, and nothing twice. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { namesOf } from '@millrace/core/spec/names.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import { expect, test } from 'vitest';
import { ordinalsOf, pipelineOf, until, untilState, valuesInOrder } from '../testing/pipeline.ts';
import {
  broker,
  expectOnce,
  folder,
  kafka,
  prepare,
  raw,
  rows,
  start,
  warnings,
  withKafka,
  write,
} from '../testing/replaying.ts';

const RUN = fileURLToPath(new URL('../testing/run.ts', import.meta.url));

withKafka();

test('SIGKILL at any moment: after a restart exactly the missing rows are sent', { timeout: 120_000 }, async () => {
  const count = 40_000;
  const pipeline = await prepare({ replay: { path: write('killed.ndjson', rows(count)) } });
  const names = namesOf(pipeline);
  const sent = async (): Promise<number> => (await kafka.bounds(names.raw)).reduce((sum, { end }) => sum + end, 0);
  for (let kill = 0; kill < 3; kill++) {
    const env = { ...process.env, MILLRACE_LOG_LEVEL: 'warn' };
    const child = spawn(process.execPath, [RUN, JSON.stringify(pipeline), folder, ...broker.brokers], { stdio: 'inherit', env });
    const goal = Math.min(count, (await sent()) + 1 + Math.random() * 12_000);
    await until(async () => ((await sent()) >= goal ? true : null));
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  expect(await sent()).toBeLessThanOrEqual(count);
  const worker = await start(pipeline);
  expect(await untilState(worker, 'completed', 60_000)).toBe(`completed: ${count} records`);
  const logs = await raw(pipeline);
  expectOnce(logs, count);
  expect(`${valuesInOrder(logs).join('\n')}\n`).toBe(rows(count));
});

test('a broker that is killed and comes back gets each row once', { timeout: 120_000 }, async () => {
  const pipeline = await prepare({ replay: { path: write('broker.ndjson', rows(60_000)) } });
  const worker = await start(pipeline);
  const [node] = broker.nodes;
  await until(() => /^sending: [1-9]/.test(worker.health().state) || null);
  node?.kill('SIGKILL');
  await node?.exited;
  await node?.start();
  await untilState(worker, 'completed', 90_000);
  expectOnce(await raw(pipeline), 60_000);
});

test('a completed file stays completed; rows added to it later are sent, and only they', async () => {
  const pipeline = await prepare({ replay: { path: write('grows.csv', 'device,value\na,1\nb,2\n') } });
  for (const _ of [1, 2]) {
    const worker = await start(pipeline);
    expect(await untilState(worker, 'completed')).toBe('completed: 2 records');
    await worker.stop();
  }
  appendFileSync(join(folder, 'grows.csv'), 'c,3\n');
  expect(await untilState(await start(pipeline), 'completed')).toBe('completed: 3 records');
  expect(valuesInOrder(await raw(pipeline))).toEqual(
    ['a,1', 'b,2', 'c,3'].map((row) => `{"device":"${row[0]}","value":"${row[2]}"}`),
  );
});

test('another file is a new run, and that is said', async () => {
  const pipeline = await prepare({ replay: { path: write('other.ndjson', rows(5)) } });
  const first = await start(pipeline);
  await untilState(first, 'completed');
  await first.stop();
  write('other.ndjson', rows(5, 100));
  await untilState(await start(pipeline), 'completed');
  expect((await raw(pipeline)).flat()).toHaveLength(10);
  expect(warnings()).toContain('a new run begins with the first record: the input is another one');
});

test('a gzip file that is cut: what can be read is sent, the error says so, and the whole file goes on behind it', async () => {
  const whole = gzipSync(rows(20_000));
  const pipeline = await prepare({ replay: { path: write('cut.ndjson.gz', whole.subarray(0, whole.length / 2)) } });
  for (const _ of [1, 2]) {
    const worker = await start(pipeline);
    const error = await worker.failed;
    expect(error.message).toMatch(/cut\.ndjson\.gz is no whole gzip file: unexpected end of file after \d+ bytes of content/);
    expect(worker.health()).toEqual({ ready: false, phase: 'failed', state: `failed: ${error.message}` });
    await worker.stop();
  }
  const before = (await raw(pipeline)).flat().length;
  expect(before).toBeGreaterThan(5_000);
  write('cut.ndjson.gz', whole);
  expect(await untilState(await start(pipeline), 'completed')).toBe('completed: 20000 records');
  expectOnce(await raw(pipeline), 20_000);
});

test('a URL is streamed, and a download that breaks off goes on where it was', async () => {
  const content = rows(20_000);
  let answers = 0;
  const server = createServer((_request, response) => {
    answers++;
    // The first answer asks for the version, the second breaks off.
    response.writeHead(200, { etag: '"1"' });
    if (answers !== 2) response.end(content);
    else response.write(content.slice(0, 500_000), () => response.destroy());
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const path = `http://127.0.0.1:${(server.address() as AddressInfo).port}/data.ndjson`;
  try {
    const pipeline = await prepare({ replay: { path } });
    const broken = await start(pipeline);
    expect((await broken.failed).message).toMatch(/data\.ndjson cannot be read after byte \d+/);
    await broken.stop();
    expect((await raw(pipeline)).flat().length).toBeGreaterThan(1_000);
    expect(await untilState(await start(pipeline), 'completed')).toBe('completed: 20000 records');
    expectOnce(await raw(pipeline), 20_000);
  } finally {
    server.close();
  }
});

test('limit stops, and a higher one goes on', async () => {
  const path = write('limit.ndjson', rows(10));
  const pipeline = await prepare({ replay: { path, limit: 4 } });
  const worker = await start(pipeline);
  expect(await untilState(worker, 'completed')).toBe('completed: 4 records');
  await worker.stop();
  const more = { ...pipeline, spec: { ...pipeline.spec, source: { replay: { path, limit: 6 } } } };
  expect(await untilState(await start(more), 'completed')).toBe('completed: 6 records');
  expectOnce(await raw(pipeline), 6);
});

test('clock: shift ends at now and stays where it is after a restart', async () => {
  const times = ['2020-01-01T00:00:00Z', '2020-01-01T00:00:30.123456789Z', '2020-01-01T00:00:10Z'];
  const path = write('shift.csv', `device,at\n${times.map((time) => `a,${time}\n`).join('')}`);
  const pipelineAt = (limit: number): Pipeline => ({
    ...pipeline,
    spec: { ...pipeline.spec, source: { replay: { path, clock: 'shift', limit } } },
  });
  const pipeline = await prepare({ replay: { path, clock: 'shift' } });
  const beforeMs = Date.now();
  for (const limit of [1, 3]) {
    const worker = await start(pipelineAt(limit));
    await untilState(worker, 'completed');
    await worker.stop();
  }
  const moved = valuesInOrder(await raw(pipeline)).map((value) => JSON.parse(value).at as string);
  const [first = 0, last = 0, middle = 0] = moved.map((time) => Date.parse(time));
  expect(last).toBeGreaterThanOrEqual(beforeMs);
  expect(last).toBeLessThanOrEqual(Date.now());
  expect([last - first, middle - first]).toEqual([30_123, 10_000]);
  expect(moved[1]).toMatch(/456789Z$/);
});

test('partitions added under a run are used, and no row is sent twice', async () => {
  const path = write('added.ndjson', rows(30));
  const pipeline = await prepare({ replay: { path, limit: 10 } });
  const at = (limit: number) => pipelineOf(pipeline.metadata.name, { replay: { path, limit } });
  const first = await start(pipeline);
  await untilState(first, 'completed');
  await first.stop();
  await kafka.addPartitions(namesOf(pipeline).raw, 12);
  expect(await untilState(await start(at(30)), 'completed')).toBe('completed: 30 records');
  const logs = await raw(pipeline);
  expectOnce(logs, 30);
  expect(logs.slice(3).flat().length).toBeGreaterThan(0);
});

test('a raw topic that is created again under the producer gets everything again', async () => {
  const pipeline = await prepare({ replay: { path: write('recreated.ndjson', rows(10)), pace: { interval: '1s' } } });
  const worker = await start(pipeline);
  const { raw: topic } = namesOf(pipeline);
  await until(async () => (await raw(pipeline)).flat().length > 0 || null);
  await kafka.deleteTopic(topic);
  await expect.poll(() => kafka.createTopic({ name: topic, partitions: 3, config: {} }), { timeout: 10_000 }).toBe('created');
  await expect.poll(async () => ordinalsOf(await raw(pipeline)).flat(), { timeout: 20_000 }).toContain(0);
  await worker.stop();
});
