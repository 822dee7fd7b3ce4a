/**
 * Latency from producer to committed row at fixed rates, up to saturation, through all three roles.
 *
 * The simulator's clock is the schedule: record n is due n / rate seconds after the first, whatever happened to those
 * before, and its due time is what stands in its time column. When the row was committed, the database knows
 * exactly (`track_commit_timestamp`, by the row's xmin). So a stall counts for every row that was due in it (no coordinated
 * omission), and nothing polls.
 */
import { table } from '@millrace/core/database/identifier.ts';
import { decodeReplayPosition, RECEIVED_AT_HEADER, REPLAY_POSITION_HEADER } from '@millrace/core/record/raw.ts';
import { namesOf } from '@millrace/core/spec/names.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import type { Figure, Outcome } from '../report/outcome.ts';
import { quantile } from '../report/statistics.ts';
import { makeBacklog } from '../run/backlog.ts';
import { type LatencySample, latenciesMs } from '../run/latencies.ts';
import { type MeasuredProcess, startReading, startRole } from '../run/roleProcess.ts';
import type { Database, Servers } from '../run/servers.ts';
import { cpuSecondsPerMillion } from '../run/steady.ts';
import { addUsage } from '../run/usage.ts';
import { watch } from '../run/watch.ts';
import type { Bench, Measurement } from './measurement.ts';

const PARTITIONS = 6;
const QUANTILES = { p50: 0.5, p99: 0.99, 'p99.9': 0.999 } as const;
/** What is required at this rate. */
const REQUIRED_RATE = 10_000;
const BOUNDS: Partial<Record<keyof typeof QUANTILES, number>> = { p50: 250, p99: 1_000 };
/** A rate whose median row waits longer is not held: the rows pile up, and higher rates tell nothing more. */
const SATURATED_MS = 1_000;

/** A producer that is further behind is told of: part of the latency is its own. */
const LATE_MS = 100;

interface Step {
  recordsPerSecond: number;
  milliseconds: Record<keyof typeof QUANTILES, number>;
  /** Of the producer at the end. */
  behindMs: number;
  /** Of all roles together, while rows flowed. */
  cpuSecondsPerMillion: number;
}

export const latency: Measurement = async (bench) => {
  const { warmUpSeconds, seconds, recordsPerSecond } = bench.size.latency;
  const steps: Step[] = [];
  let saturatedAt: number | null = null;
  for (const rate of recordsPerSecond) {
    const step = await atRate(bench, rate);
    steps.push(step);
    bench.say(
      `  ${rate} rows/s: ${Object.entries(step.milliseconds)
        .map(([name, ms]) => `${name} ${Math.round(ms)} ms`)
        .join(', ')}`,
    );
    if (step.milliseconds.p50 <= SATURATED_MS) continue;
    saturatedAt ??= rate;
    if (rate >= REQUIRED_RATE) break; // what is required is told, however bad
  }
  return outcomeOf(
    steps,
    saturatedAt,
    `${seconds} s at each rate after ${warmUpSeconds} s that do not count; ${PARTITIONS} partitions`,
  );
};

function outcomeOf(steps: readonly Step[], saturatedAt: number | null, how: string): Outcome {
  const figures = steps.flatMap(({ recordsPerSecond, milliseconds, cpuSecondsPerMillion: cpu }): Figure[] => [
    ...Object.entries(milliseconds).map(([name, value]): Figure => {
      const below = recordsPerSecond === REQUIRED_RATE ? BOUNDS[name as keyof typeof QUANTILES] : undefined;
      const figure = { name: `${recordsPerSecond.toLocaleString('en')} rows/s: ${name}`, value, unit: 'ms' } as const;
      return below === undefined ? figure : { ...figure, bound: { below } };
    }),
    { name: `${recordsPerSecond.toLocaleString('en')} rows/s: CPU of all roles`, value: cpu, unit: 'CPU s per million rows' },
  ]);
  const series = Object.keys(QUANTILES).map((name) => ({
    name,
    points: steps.map(({ recordsPerSecond, milliseconds }): [number, number] => [
      recordsPerSecond,
      Math.max(1, milliseconds[name as keyof typeof QUANTILES]),
    ]),
  }));
  const saturation =
    saturatedAt === null ? 'not saturated' : `saturated at ${saturatedAt} rows/s: the median row waited over ${SATURATED_MS} ms`;
  const late = steps
    .filter((step) => step.behindMs > LATE_MS)
    .map(
      (step) =>
        `at ${step.recordsPerSecond} rows/s the producer itself was ${Math.round(step.behindMs)} ms behind its schedule at the end`,
    );
  return {
    figures,
    notes: [how, saturation, ...late],
    plots: [
      {
        name: 'bench-latency',
        title: 'From producer to committed row, by rate',
        x: { label: 'rows per second', log: true },
        y: { label: 'ms', log: true },
        series,
        limit: { label: `required of p99 at ${REQUIRED_RATE.toLocaleString('en')} rows/s: below 1 s`, y: 1_000 },
      },
    ],
  };
}

async function atRate({ servers, size }: Bench, recordsPerSecond: number): Promise<Step> {
  const { warmUpSeconds, seconds } = size.latency;
  const records = Math.round(recordsPerSecond * (warmUpSeconds + seconds));
  const name = `latency${recordsPerSecond}`;
  const backlog = await makeBacklog(servers, [{ name, records, partitions: PARTITIONS, recordsPerSecond }]);
  const [loaded] = backlog.pipelines;
  if (loaded === undefined) throw new Error('the backlog has no Pipeline');
  const database = await servers.database(backlog.pipelines);
  const target = { brokers: servers.brokers, databaseUrl: database.url, files: backlog.files, folder: backlog.folder };
  const processes: MeasuredProcess[] = [];
  try {
    // The ones that read do so before the first record is due.
    processes.push(await startReading('sink', target));
    processes.push(await startReading('processor', target));
    processes.push(startRole('producer', target));
    const stored = async (): Promise<number> =>
      Number((await database.pool.query('SELECT coalesce(sum(stored), 0) AS n FROM millrace.ledger')).rows[0].n);
    const looks = await watch({ usage: () => addUsage(processes.map((process) => process.usage())) }, records, stored);
    const samples = await readSamples(database, loaded.pipeline);
    const offsetMs = await firstDelayMs(servers, loaded.pipeline);
    const behind = await behindMs(servers, loaded.pipeline, offsetMs);
    const waited = latenciesMs(samples, offsetMs, warmUpSeconds * 1000);
    const entries = Object.entries(QUANTILES).map(([quantileName, q]) => [quantileName, quantile(waited, q)]);
    return {
      recordsPerSecond,
      behindMs: behind,
      milliseconds: Object.fromEntries(entries),
      cpuSecondsPerMillion: cpuSecondsPerMillion(looks),
    };
  } finally {
    await Promise.all(processes.map((process) => process.stop()));
    await database.drop();
    await backlog.remove();
  }
}

async function readSamples({ pool }: Database, pipeline: Pipeline): Promise<LatencySample[]> {
  const { schema, table: name } = namesOf(pipeline);
  const { rows } = await pool.query<{ due: string; committed: string }>(
    `SELECT extract(epoch FROM time) * 1000 AS due, extract(epoch FROM pg_xact_commit_timestamp(xmin)) * 1000 AS committed
       FROM ${table(schema, name)}`,
  );
  return rows.map(({ due, committed }) => ({ dueMs: Number(due), committedMs: Number(committed) }));
}

/**
 * How far the producer was behind its schedule at the end, ms: one that could not run for over a second (the machine was
 * busy) does not make up for all of it, and every later row is late by the rest.
 */
async function behindMs({ kafka }: Servers, pipeline: Pipeline, offsetMs: number): Promise<number> {
  const { raw } = namesOf(pipeline);
  const behind: number[] = [];
  for (const [partition, { end }] of (await kafka.bounds(raw)).entries()) {
    for await (const { headers, value } of kafka.range(raw, partition, Math.max(0, end - 1), end))
      behind.push(Number(headers[RECEIVED_AT_HEADER]?.toString()) - Date.parse(JSON.parse(String(value)).at) - offsetMs);
  }
  return Math.max(0, ...behind);
}

/**
 * The simulator's clock starts when the run begins, its pace when the first record is made, some ms later (a checkpoint lies
 * between): what the first record's `received-at` is after its time.
 */
async function firstDelayMs({ kafka }: Servers, pipeline: Pipeline): Promise<number> {
  const { raw } = namesOf(pipeline);
  for (const [partition, { end }] of (await kafka.bounds(raw)).entries()) {
    for await (const { headers, value } of kafka.range(raw, partition, 0, Math.min(1, end))) {
      const position = decodeReplayPosition(headers[REPLAY_POSITION_HEADER]?.toString());
      if (position?.ordinal !== 0) continue;
      const at = Date.parse(JSON.parse(String(value)).at);
      return Number(headers[RECEIVED_AT_HEADER]?.toString()) - at;
    }
  }
  throw new Error(`no partition of ${raw} begins with the first record`);
}
