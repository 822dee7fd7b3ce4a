/**
 * All bad inputs at once: a Pipeline each, in one process per role, over one Kafka and one PostgreSQL. What each ends in is
 * read from the topics and tables, never from a role's insides.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connectDatabase } from '@millrace/core/database/connect.ts';
import { quote, table } from '@millrace/core/database/identifier.ts';
import { connectKafka } from '@millrace/core/kafka/connect.ts';
import type { Kafka } from '@millrace/core/kafka/kafka.ts';
import { type Refusal, readRefusal, refusalId } from '@millrace/core/record/refusal.ts';
import { type LoadedPipeline, loadPipelines } from '@millrace/core/spec/load.ts';
import { namesOf } from '@millrace/core/spec/names.ts';
import { columnsOf } from '@millrace/core/table/columns.ts';
import { startKafka } from '@millrace/embedded/kafka.ts';
import { freePorts } from '@millrace/embedded/ports.ts';
import { startPostgres } from '@millrace/embedded/postgres.ts';
import { setupPipeline } from '@millrace/setup/setup.ts';
import type { Pool } from 'pg';
import { pino } from 'pino';
import { expect, vi } from 'vitest';
import { type BadInput, pipelineOf } from './badInput.ts';

const CLI = fileURLToPath(new URL('../../services/cli/bin/millrace.ts', import.meta.url));
/** At a time. */
const SETUPS = 6;
const ROLES = ['producer', 'processor', 'sink'] as const;
export type RoleName = (typeof ROLES)[number];

/** What became of one input. */
export interface Outcome {
  loaded: LoadedPipeline;
  /** The producer's last word. */
  said: string;
  /** Records in the raw topic. */
  raw: number;
  /** Objects in these: of an array its elements, of anything else one. */
  objects: number;
  /** As `BadInput.rows`, sorted. */
  rows: string[];
  /** Each once, in raw order, with the bytes that the DLQ and the raw topic hold. */
  refused: { refusal: Refusal; bytes: Buffer | null; raw: Buffer | null }[];
}

export interface Run {
  kafka: Kafka;
  database: Pool;
  /** Of the input at this place of the list. */
  outcome(at: number): Promise<Outcome>;
  /** The most memory that the role's process had resident, MiB. */
  peakMiB(role: RoleName): number;
  /** All metrics of a role, as Prometheus reads them. */
  metrics(role: RoleName): Promise<string>;
  logged(role: RoleName): string;
  stop(): Promise<void>;
}

export interface RunOptions {
  timeoutMs: number;
}

/**
 * Runs all inputs to their ends, by roles with the limits of memory that `run --role` sets itself.
 * @throws where one does not end in time, or a role's process ends
 */
export async function runAll(inputs: readonly BadInput[], { timeoutMs }: RunOptions): Promise<Run> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-bad-'));
  const log = pino({ level: 'silent' });
  await using stack = new AsyncDisposableStack();
  stack.defer(() => rmSync(folder, { recursive: true, force: true }));
  const [broker, server] = await Promise.all([startKafka(), startPostgres()]);
  stack.defer(async () => void (await Promise.all([broker.stop(), server.stop()])));
  const kafka = connectKafka({ brokers: broker.brokers, clientId: 'bad-input', log });
  stack.defer(() => kafka.close());
  const database = connectDatabase({ url: server.url, applicationName: 'bad-input', log });
  stack.defer(() => database.end());

  const loaded = await loadPipelines(writeInputs(inputs, folder));
  const [first, ...others] = loaded.map(
    ({ pipeline }) =>
      () =>
        setupPipeline(pipeline, { kafka, database, log }),
  );
  await first?.(); // makes what all share
  while (others.length > 0) await Promise.all(others.splice(0, SETUPS).map((setup) => setup()));

  await sendForeign(kafka, inputs, loaded);

  const ports = await freePorts(ROLES.length);
  const env = {
    ...process.env,
    MILLRACE_KAFKA: broker.brokers.join(','),
    MILLRACE_DATABASE: server.url,
  };
  const roles = ROLES.map((name, at) => startRole(name, Number(ports[at]), folder, env));
  stack.defer(async () => void (await Promise.all(roles.map((role) => role.stop()))));
  const role = (name: RoleName): RunningRole => roles[ROLES.indexOf(name)] as RunningRole;

  const said = await whatProducerSays(role('producer'), loaded, timeoutMs);
  await vi.waitFor(async () => expect(await firstBehind(kafka, database, loaded, roles)).toBe(null), {
    timeout: timeoutMs,
    interval: 250,
  });
  const stopping = stack.move();
  return {
    kafka,
    database,
    outcome: (at) => {
      const one = loaded[at] as LoadedPipeline;
      return outcomeOf(kafka, database, one, said.get(namesOf(one.pipeline).pipeline) ?? '');
    },
    peakMiB: (name) => peakMiB(role(name).pid),
    metrics: async (name) => (await fetch(`http://127.0.0.1:${role(name).port}/metrics`)).text(),
    logged: (name) => role(name).logged(),
    stop: () => stopping.disposeAsync(),
  };
}

/** @returns the file with all Pipelines */
function writeInputs(inputs: readonly BadInput[], folder: string): string {
  const documents = inputs.map((input, at) => {
    const name = `bad-${at}`;
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, input.file), input.bytes);
    return JSON.stringify(pipelineOf(input, name), null, 1);
  });
  const file = join(folder, 'pipelines.yaml');
  writeFileSync(file, documents.join('\n---\n'));
  return file;
}

async function sendForeign(kafka: Kafka, inputs: readonly BadInput[], loaded: readonly LoadedPipeline[]): Promise<void> {
  const sender = kafka.sender();
  for (const [at, { foreign = [] }] of inputs.entries()) {
    const pipeline = loaded[at]?.pipeline;
    if (pipeline && foreign.length > 0)
      await sender.send(
        namesOf(pipeline).raw,
        0,
        foreign.map((value) => ({ key: null, value, headers: {} })),
      );
  }
  await sender.close();
}

interface RunningRole {
  name: RoleName;
  pid: number;
  port: number;
  /** Why the process is not there any more; null: it is. */
  ended(): string | null;
  logged(): string;
  stop(): Promise<void>;
}

function startRole(name: RoleName, port: number, folder: string, env: NodeJS.ProcessEnv): RunningRole {
  const logFile = join(folder, `${name}.log`);
  const log = createWriteStream(logFile);
  const args = [CLI, 'run', '--role', name, '--port', String(port), join(folder, 'pipelines.yaml')];
  const child: ChildProcess = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout?.pipe(log, { end: false });
  child.stderr?.pipe(log, { end: false });
  let ended: string | null = null;
  const exit = new Promise<void>((resolve) =>
    child.once('exit', (code, signal) => {
      ended = `the ${name} ended with ${code ?? signal}`;
      resolve();
    }),
  );
  return {
    name,
    pid: Number(child.pid),
    port,
    ended: () => ended,
    logged: () => readFileSync(logFile, 'utf8'),
    stop: async () => {
      child.kill('SIGTERM');
      await exit;
      log.end();
    },
  };
}

type Health = Record<string, { phase: string; state: string }>;

/** The state in which the producer ends with each Pipeline: completed, or failed where a file cannot be read further. */
async function whatProducerSays(
  producer: RunningRole,
  loaded: readonly LoadedPipeline[],
  timeoutMs: number,
): Promise<Map<string, string>> {
  const said = new Map<string, string>();
  const read = async (): Promise<string[]> => {
    const answer = await fetch(`http://127.0.0.1:${producer.port}/readyz`).catch(() => null); // it is starting
    const { pipelines } = ((await answer?.json()) ?? { pipelines: {} }) as { pipelines: Health };
    for (const [name, { phase, state }] of Object.entries(pipelines)) {
      if (phase === 'completed' || phase === 'failed') said.set(name, state);
    }
    if (producer.ended() !== null) throw new Error(`${producer.ended()}: ${producer.logged().slice(-2_000)}`);
    return loaded.map(({ pipeline }) => namesOf(pipeline).pipeline).filter((name) => !said.has(name));
  };
  await vi.waitFor(async () => expect(await read()).toEqual([]), { timeout: timeoutMs, interval: 250 });
  return said;
}

/** What a Pipeline still waits for; null: every record has ended. */
async function firstBehind(
  kafka: Kafka,
  database: Pool,
  loaded: readonly LoadedPipeline[],
  roles: readonly RunningRole[],
): Promise<string | null> {
  for (const role of roles) if (role.ended() !== null) throw new Error(`${role.ended()}: ${role.logged().slice(-2_000)}`);
  for (const { pipeline } of loaded) {
    const names = namesOf(pipeline);
    const committed = (await kafka.committed(names.processorGroup, names.raw)).get(0)?.offset ?? 0;
    const raw = (await kafka.bounds(names.raw))[0]?.end ?? 0;
    if (committed !== raw) return `the processor has ${committed} of ${raw} records of ${names.pipeline}`;
    const { rows } = await database.query('select next_offset from millrace.positions where pipeline = $1', [names.pipeline]);
    const stored = Number(rows[0]?.next_offset ?? 0);
    const processed = (await kafka.bounds(names.processed))[0]?.end ?? 0;
    if (stored !== processed) return `the sink has ${stored} of ${processed} records of ${names.pipeline}`;
  }
  return null;
}

async function outcomeOf(kafka: Kafka, database: Pool, loaded: LoadedPipeline, said: string): Promise<Outcome> {
  const { pipeline } = loaded;
  const names = namesOf(pipeline);
  const all = async (topic: string) => {
    const [bounds] = await kafka.bounds(topic);
    return Array.fromAsync(kafka.range(topic, 0, bounds?.start ?? 0, bounds?.end ?? 0));
  };
  const raw = await all(names.raw);
  const refusals = new Map<string, Outcome['refused'][number]>();
  for (const { headers, value } of await all(names.dlq)) {
    const refusal = readRefusal(headers);
    refusals.set(refusalId(refusal), { refusal, bytes: value, raw: raw[refusal.origin.offset]?.value ?? null });
  }
  const place = ({ refusal: { origin } }: Outcome['refused'][number]): number => origin.offset * 10_000 + origin.index;
  return {
    loaded,
    said,
    raw: raw.length,
    objects: raw.reduce((sum, { value }) => sum + objectsIn(value), 0),
    rows: await rowsOf(database, loaded),
    refused: [...refusals.values()].sort((a, b) => place(a) - place(b)),
  };
}

function objectsIn(value: Buffer | null): number {
  try {
    const parsed: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(value ?? Buffer.alloc(0)));
    return Array.isArray(parsed) && parsed.length > 0 ? parsed.length : 1;
  } catch {
    return 1; // what nobody can read is refused as one
  }
}

async function rowsOf(database: Pool, { pipeline }: LoadedPipeline): Promise<string[]> {
  const { schema, table: name } = namesOf(pipeline);
  const columns = columnsOf(pipeline).map((column) => `${quote(column.name)}::text`);
  const client = await database.connect();
  try {
    await client.query("set time zone 'UTC'");
    const { rows } = await client.query<(string | null)[]>({
      text: `select ${columns.join(', ')} from ${table(schema, name)}`,
      rowMode: 'array',
    });
    return rows.map((values) => values.map((value) => value ?? '∅').join('|')).sort();
  } finally {
    client.release(true);
  }
}

function peakMiB(pid: number): number {
  const kibibytes = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kibibytes) / 1024;
}
