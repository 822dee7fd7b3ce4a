/**
 * Pushes of phones (six readings each) to the source of HTTP at a fixed rate: from when each is due to its 200, which follows
 * Kafka's acknowledgement. All that were answered 200 must be in Kafka.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadPipelines } from '@millrace/core/spec/load.ts';
import { namesOf } from '@millrace/core/spec/names.ts';
import { freePorts } from '@millrace/embedded/ports.ts';
import { pushesOf } from '../../examples/phone-sensors/simulate.ts';
import { quantile } from '../report/statistics.ts';
import { pushAtRate } from '../run/pushes.ts';
import { startRole } from '../run/roleProcess.ts';
import type { Measurement } from './measurement.ts';

const EXAMPLE = join(import.meta.dirname, '../../examples/phone-sensors/pipeline.yaml');
const PATH = '/logs';
const PHONES = 100;
const CONNECTIONS = 256;
const READY_WITHIN_MS = 60_000;
/** What is required at the rate of `make bench`: all of it answered, by one core. */
const BELOW_P99_MS = 250;
const BELOW_PERCENT = 100;

export const http: Measurement = async ({ servers, size }) => {
  const { perSecond, warmUpSeconds, seconds } = size.http;
  const folder = mkdtempSync(join(tmpdir(), 'millrace-bench-http-'));
  const file = join(folder, 'pipeline.yaml');
  writeFileSync(file, readFileSync(EXAMPLE, 'utf8').replace(/auth: .*/, 'auth: { open: true }'));
  const pipelines = await loadPipelines(file);
  const [loaded] = pipelines;
  if (loaded === undefined) throw new Error(`${EXAMPLE} holds no Pipeline`);
  const database = await servers.database(pipelines);
  const [port = 0] = await freePorts(1);
  const target = { brokers: servers.brokers, databaseUrl: database.url, files: [file], folder };
  const producer = startRole('producer', target, ['--http-port', String(port)]);
  try {
    const bodies = pushesOf({ phones: PHONES, pushes: 50, seed: 5 }).map(({ text }) => withSixth(text));
    const push = { port, path: PATH, bodies, perSecond, connections: CONNECTIONS };
    const first = await firstAnswered(push, producer.mustRun);
    const warm = await pushAtRate({ ...push, seconds: warmUpSeconds });
    const before = producer.usage();
    const { codes, latenciesMs, tookSeconds } = await pushAtRate({ ...push, seconds });
    const after = producer.usage();
    const acknowledged = first + (warm.codes.get(200) ?? 0) + latenciesMs.length;
    const ends = await servers.kafka.bounds(namesOf(loaded.pipeline).raw);
    const inKafka = ends.reduce((sum, { end }) => sum + end, 0);
    const other = [...codes].filter(([code]) => code !== 200).map(([code, count]) => `${count} were answered ${code}`);
    return {
      figures: [
        { name: 'answered 200', value: latenciesMs.length / tookSeconds, unit: 'pushes/s', bound: { least: perSecond * 0.99 } },
        { name: 'p50', value: quantile(latenciesMs, 0.5), unit: 'ms' },
        { name: 'p99', value: quantile(latenciesMs, 0.99), unit: 'ms', bound: { below: BELOW_P99_MS } },
        {
          name: 'CPU of the producer',
          value: (100 * (after.cpuSeconds - before.cpuSeconds)) / tookSeconds,
          unit: '%',
          bound: { below: BELOW_PERCENT },
        },
        { name: 'memory of the producer', value: after.peakMebibytes, unit: 'MiB' },
        {
          name: 'answered 200 and not in Kafka',
          value: Math.max(0, acknowledged - inKafka),
          unit: 'pushes',
          bound: { below: 1 },
        },
      ],
      notes: [
        `${perSecond} pushes/s of ${PHONES} phones over ${CONNECTIONS} connections for ${seconds} s, after ${warmUpSeconds} s that do not count`,
        ...other,
      ],
      plots: [],
    };
  } finally {
    await producer.stop();
    await database.drop();
    rmSync(folder, { recursive: true, force: true });
  }
};

/** The simulated phones have five sensors; the real push has six readings. */
function withSixth(text: string): string {
  const time = /"time":(\d+)/.exec(text)?.[1] ?? '0';
  const reading = `{"name":"barometer","time":${time},"accuracy":3,"values":{"pressure":1013.2104,"relativeAltitude":-0.31}}`;
  return text.replace(/\]\}$/, `,${reading}]}`);
}

/** Waits until one is answered 200. @returns how many were */
async function firstAnswered(push: Omit<Parameters<typeof pushAtRate>[0], 'seconds'>, mustRun: () => void): Promise<number> {
  for (const endMs = performance.now() + READY_WITHIN_MS; performance.now() < endMs; await sleep(100)) {
    mustRun();
    try {
      const { codes } = await pushAtRate({ ...push, perSecond: 1, seconds: 1, connections: 1 });
      if (codes.get(200) === 1) return 1;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ECONNREFUSED') throw error;
    }
  }
  throw new Error(`the producer answered no push with 200 within ${READY_WITHIN_MS / 1_000} s`);
}
