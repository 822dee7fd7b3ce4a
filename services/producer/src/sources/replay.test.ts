/** Replay and simulator into a real Kafka: what a user fears for a file. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { connectKafka } from '@millrace/core/kafka/connect.ts';
import type { Kafka } from '@millrace/core/kafka/kafka.ts';
import { decodeUnreadable } from '@millrace/core/record/raw.ts';
import type { Worker } from '@millrace/core/role/role.ts';
import { namesOf } from '@millrace/core/spec/names.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import { type EmbeddedKafka, startKafka } from '@millrace/embedded/kafka.ts';
import { parse } from 'csv-parse/sync';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { producer } from '../role.ts';
import { createTopic, ordinalsOf, pipelineOf, recordsOf, until, untilState, valuesInOrder } from '../testing/pipeline.ts';
import { simulate } from './simulate.ts';

const TRAFFIC = fileURLToPath(new URL('../../../../examples/traffic/traffic_counts.csv', import.meta.url));
const RUN = fileURLToPath(new URL('../testing/run.ts', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'millrace-replay-'));
let broker: EmbeddedKafka;
let kafka: Kafka;
let metrics: Registry;
let lines: { level: number; msg: string }[];
let running: Worker[] = [];
let names = 0;

beforeAll(async () => {
  broker = await startKafka({ heapMegabytes: 128 });
  kafka = connectKafka({ brokers: broker.brokers, clientId: 'test', log: pino({ level: 'silent' }) });
});

afterEach(async () => {
  await Promise.all(running.map((worker) => worker.stop()));
  running = [];
});

afterAll(async () => {
  await kafka?.close();
  await broker?.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function start(pipeline: Pipeline): Promise<Worker> {
  metrics = new Registry();
  lines = [];
  const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  if (producer.needsDatabase) throw new Error('a producer has no database');
  const worker = await producer.start(pipeline, { kafka, log, metrics, baseFolder: folder });
  running.push(worker);
  return worker;
}

/** A Pipeline with topics of its own. */
async function prepare(source: object, options?: Parameters<typeof pipelineOf>[2]): Promise<Pipeline> {
  const pipeline = pipelineOf(`test-${++names}`, source, options);
  await createTopic(kafka, pipeline);
  return pipeline;
}

const raw = (pipeline: Pipeline) => recordsOf(kafka, namesOf(pipeline).raw);
const write = (name: string, content: string | Buffer): string => {
  writeFileSync(join(folder, name), content);
  return name;
};
const warnings = (): string[] => lines.filter(({ level }) => level >= 40).map(({ msg }) => msg);
const rows = (count: number, from = 0): string =>
  Array.from({ length: count }, (_, at) => `${JSON.stringify({ device: `d${(from + at) % 17}`, value: from + at })}\n`).join('');
const upTo = (count: number): number[] => Array.from({ length: count }, (_, at) => at);

/** Every ordinal once, and in order within each partition. */
function expectOnce(logs: Awaited<ReturnType<typeof raw>>, count: number): void {
  const ordinals = ordinalsOf(logs);
  for (const log of ordinals) expect(log).toEqual(log.toSorted((a, b) => a - b));
  expect(ordinals.flat().toSorted((a, b) => a - b)).toEqual(upTo(count));
}

test('the 5,236 detectors of Austin: every row, all values as they stand there, each device in one partition', async () => {
  const record = { key: 'detector_id', time: { field: 'modified_date', format: 'yyyy MMM dd hh:mm:ss a' } };
  const fields = { detector_id: { type: 'text', strip: ',' } };
  const pipeline = await prepare({ replay: { path: TRAFFIC } }, { record: { ...record, fields } });
  const worker = await start(pipeline);
  expect(await untilState(worker, 'completed')).toBe('completed: 5236 records');
  expect(worker.health().ready).toBe(true);
  const logs = await raw(pipeline);
  expectOnce(logs, 5236);
  const expected = parse(readFileSync(TRAFFIC), { columns: true, bom: true });
  expect(valuesInOrder(logs).map((value) => JSON.parse(value))).toEqual(expected);
  expect(logs[0]?.[0]?.headers.source?.toString()).toBe('replay');
  const keys = logs.map((log) => new Set(log.map(({ key }) => key?.toString())));
  expect([...(keys[0] as Set<string>)].filter((key) => keys[1]?.has(key) || key.includes(','))).toEqual([]);
  expect(await metrics.getSingleMetricAsString('millrace_producer_records_total')).toContain(
    '{pipeline="default/test-1",source="replay"} 5236',
  );
});

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

test('numbers of a json array keep every digit', async () => {
  const elements = ['{"device":"a","t":1716760513715797500,"x":1.10}', '{"device":12345678901234567890,"x":1e400}'];
  const pipeline = await prepare({ replay: { path: write('digits.json', `[${elements.join(',\n')}]`) } });
  await untilState(await start(pipeline), 'completed');
  const logs = await raw(pipeline);
  expect(valuesInOrder(logs)).toEqual(elements);
  expect(
    logs
      .flat()
      .map(({ key }) => key?.toString())
      .toSorted(),
  ).toEqual(['12345678901234567890', 'a']);
});

test('a glob is read in the order of the names, csv and json side by side', async () => {
  mkdirSync(join(folder, 'many'));
  write('many/b.json', '[{"device":"b"}]');
  write('many/c.ndjson.gz', gzipSync('{"device":"c"}\n'));
  write('many/a.csv', 'device\na\n');
  const pipeline = await prepare({ replay: { path: 'many/*' } });
  expect(await untilState(await start(pipeline), 'completed')).toBe('completed: 3 records');
  expect(valuesInOrder(await raw(pipeline))).toEqual(['{"device":"a"}', '{"device":"b"}', '{"device":"c"}']);
});

test('a record that is too large is sent in its place: the beginning, with place, length and hash of the whole', async () => {
  const large = `{"device":"a","x":"${'y'.repeat(100_000)}"}`;
  const pipeline = await prepare(
    { replay: { path: write('large.ndjson', `{"device":"a"}\n${large}\n{"device":"b"}\n`) } },
    { record: { maxBytes: 2048 } },
  );
  expect(await untilState(await start(pipeline), 'completed')).toBe('completed: 3 records');
  const logs = await raw(pipeline);
  expectOnce(logs, 3);
  expect(valuesInOrder(logs)).toEqual(['{"device":"a"}', large.slice(0, 2048), '{"device":"b"}']);
  expect(
    logs
      .flat()
      .map(({ headers }) => decodeUnreadable(headers))
      .filter((unreadable) => unreadable !== null),
  ).toEqual([
    {
      message: expect.stringMatching(
        /^the record at byte 15 of .*large\.ndjson has 100021 bytes; allowed are at most 2048 \(spec\.record\.maxBytes\)$/,
      ),
      oversize: { length: large.length, sha256: createHash('sha256').update(large).digest('hex') },
    },
  ]);
  const counted = await Promise.all(
    ['records', 'unreadable'].map((name) => metrics.getSingleMetric(`millrace_producer_${name}_total`)?.get()),
  );
  expect(counted.map((metric) => metric?.values.map(({ value }) => value))).toEqual([[3], [1]]);
});

test('a broken csv row goes on as it stands, with place and reason', async () => {
  const pipeline = await prepare({ replay: { path: write('broken.csv', 'device,value\na,1\nb\nc,3\n') } });
  await untilState(await start(pipeline), 'completed');
  const logs = await raw(pipeline);
  expect(valuesInOrder(logs)[1]).toBe('b');
  const broken = logs.flat().find(({ value }) => value?.toString() === 'b');
  expect(decodeUnreadable(broken?.headers ?? {})).toEqual({
    message: expect.stringMatching(/^at byte 17 of .*broken\.csv: the csv row has 1 values; the header names 2 columns$/),
  });
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

test('loop begins again at the end, over all files', async () => {
  const pipeline = await prepare({ replay: { path: write('loop.ndjson', rows(3)), loop: true, limit: 8 } });
  expect(await untilState(await start(pipeline), 'completed')).toBe('completed: 8 records');
  expect(valuesInOrder(await raw(pipeline)).map((value) => JSON.parse(value).value)).toEqual([0, 1, 2, 0, 1, 2, 0, 1]);
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

test('times older than the table keeps are warned about before the start', async () => {
  const path = write('old.ndjson', '{"device":"a","at":"2001-01-01T00:00:00Z"}\n');
  const worker = await start(await prepare({ replay: { path } }, { table: { retain: '1y' } }));
  await untilState(worker, 'completed');
  expect(warnings()).toEqual([
    'the first record is of 2001-01-01T00:00:00Z, older than table.retain (1y): such rows are removed from the table',
  ]);
});

describe('wrong input is a clear error', () => {
  test.each<[string, string, string | Buffer | null, RegExp]>([
    ['no file', 'nowhere.csv', null, /there is no file .*nowhere\.csv; allowed is a file, a glob or an http\(s\) URL/],
    ['no match', 'nowhere/*.csv', null, /no file matches nowhere\/\*\.csv in /],
    ['a folder', '.', null, /is a folder; allowed is a file, a glob/],
    [
      'a name without format',
      'data.txt',
      'x',
      /data\.txt does not tell its format; allowed are \.csv, \.json, \.ndjson and \.jsonl/,
    ],
    [
      'a picture',
      'picture.csv',
      Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 0, 0, 13]),
      /picture\.csv is no text file: byte 4 is NUL; allowed is UTF-8 text/,
    ],
    ['UTF-16', 'utf16.csv', Buffer.from('\ufeffa,b\n', 'utf16le'), /utf16\.csv is UTF-16 text/],
    ['gzip by another name', 'zipped.csv', gzipSync('a,b\n'), /zipped\.csv is gzip .* with a name that ends in \.gz/],
    ['no gzip', 'plain.csv.gz', 'a,b\n1,2\n', /plain\.csv\.gz is no whole gzip file: incorrect header check/],
    ['a cut array', 'cut.json', '[{"a":1},{"a"', /cut\.json ends within the record that began at byte 9/],
    ['a silent server', 'http://127.0.0.1:1/x.csv', null, /http:\/\/127\.0\.0\.1:1\/x\.csv cannot be read/],
  ])('%s', async (_name, path, content, message) => {
    if (content !== null) write(path, content);
    const worker = await start(await prepare({ replay: { path } }));
    expect((await worker.failed).message).toMatch(message);
    expect(worker.health().ready).toBe(false);
  });

  test.each([
    ['empty.csv', ''],
    ['header.csv', 'device,value\n'],
    ['empty.json', '[]'],
    ['empty.ndjson', '\n'],
    ['empty.csv.gz', gzipSync('')],
  ])('%s has no record: completed, with a warning', async (path, content) => {
    write(path, content);
    const worker = await start(await prepare({ replay: { path, loop: true } }));
    expect(await untilState(worker, 'completed')).toBe('completed: 0 records');
    expect(warnings()).toEqual(['the input holds no record']);
  });
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

test('partitions added under a run are used, and no row is sent twice', async () => {
  const path = write('added.ndjson', rows(30));
  const at = (limit: number) => pipelineOf(`test-${names}`, { replay: { path, limit } });
  const pipeline = await prepare({ replay: { path, limit: 10 } });
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

test('source topic is refused by name', async () => {
  await expect(start(pipelineOf('unbuilt', { topic: { name: 'a' } }))).rejects.toThrow(
    'source.topic is not built yet; allowed are replay, http, mqtt, simulator',
  );
});
