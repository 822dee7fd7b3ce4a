/**
 * `node bench/http.ts [pushes per second] [seconds] [connections]`: pushes of phones (five readings each) to the source of HTTP at a fixed
 * rate. The latency of each counts from when it was due, to its 200; all that were answered 200 must be in Kafka.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadPipelines } from '@millrace/core/spec/load.ts';
import { namesOf } from '@millrace/core/spec/names.ts';
import { freePorts } from '@millrace/embedded/ports.ts';
import { pushesOf } from '../examples/phone-sensors/simulate.ts';
import { startRole } from './run/roleProcess.ts';
import { startServers } from './run/servers.ts';

const [rate = 2_000, seconds = 20, connections = 64] = process.argv.slice(2).map(Number);
const EXAMPLE = join(import.meta.dirname, '../examples/phone-sensors/pipeline.yaml');

const folder = mkdtempSync(join(tmpdir(), 'millrace-bench-http-'));
const file = join(folder, 'pipeline.yaml');
writeFileSync(file, readFileSync(EXAMPLE, 'utf8').replace(/auth: .*/, 'auth: { open: true }'));
const servers = await startServers();
const agent = new Agent({ keepAlive: true, maxSockets: connections });
const [port = 0] = await freePorts(1);

function post(body: string): Promise<number> {
  return new Promise((resolve) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const sent = request({ port, host: '127.0.0.1', path: '/logs', method: 'POST', agent, headers }, (answer) => {
      answer.resume().on('end', () => resolve(answer.statusCode ?? 0));
    });
    sent.on('error', () => resolve(0)).end(body);
  });
}

try {
  const pipelines = await loadPipelines(file);
  const database = await servers.database(pipelines);
  const target = { brokers: servers.brokers, databaseUrl: database.url, files: [file], folder };
  const producer = startRole('producer', target, ['--http-port', String(port)]);
  const bodies = pushesOf({ phones: 100, pushes: 50, seed: 5 }).map(({ text }) => text);
  while ((await post(bodies[0] as string)) !== 200) await sleep(100);
  for (let n = 0; n < rate; n++) await post(bodies[n % bodies.length] as string); // warm
  const before = producer.usage();
  const codes = new Map<number, number>();
  const latenciesMs: number[] = [];
  const startMs = performance.now();
  const open: Promise<void>[] = [];
  for (let n = 0; n < rate * seconds; n++) {
    const dueMs = startMs + (n * 1_000) / rate;
    const earlyMs = dueMs - performance.now();
    if (earlyMs > 0) await sleep(earlyMs);
    open.push(
      post(bodies[n % bodies.length] as string).then((code) => {
        codes.set(code, (codes.get(code) ?? 0) + 1);
        if (code === 200) latenciesMs.push(performance.now() - dueMs);
      }),
    );
  }
  await Promise.all(open);
  const tookSeconds = (performance.now() - startMs) / 1_000;
  const usage = producer.usage();
  const { raw } = namesOf((pipelines[0] as (typeof pipelines)[number]).pipeline);
  const stored = (await servers.kafka.bounds(raw)).reduce((sum, { end }) => sum + end, 0);
  const acknowledged = (codes.get(200) ?? 0) + rate + 1;
  latenciesMs.sort((a, b) => a - b);
  const at = (share: number): string => (latenciesMs[Math.floor(share * (latenciesMs.length - 1))] ?? Number.NaN).toFixed(0);
  const out = (line: string): void => void process.stdout.write(`${line}\n`);
  out(
    `${rate} pushes/s asked for, ${(latenciesMs.length / tookSeconds).toFixed(0)}/s answered 200; codes ${JSON.stringify([...codes])}`,
  );
  out(`latency from when due: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, most ${at(1)} ms`);
  out(
    `producer: ${((100 * (usage.cpuSeconds - before.cpuSeconds)) / tookSeconds).toFixed(0)} % of a core, at most ${usage.peakMebibytes.toFixed(0)} MiB`,
  );
  out(`in Kafka: ${stored} records, at least ${acknowledged} were acknowledged${stored < acknowledged ? ': LOST' : ''}`);
  if (stored < acknowledged) process.exitCode = 1;
  await producer.stop();
  await database.drop();
} finally {
  agent.destroy();
  await servers.stop();
  rmSync(folder, { recursive: true, force: true });
}
