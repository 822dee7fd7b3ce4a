/**
 * Serves one role for the given Pipelines in this process until a signal. SIGTERM and SIGINT drain: workers finish what
 * they took, then the connections close; a second signal exits at once. One Pipeline's failure never stops another.
 */
import { once } from 'node:events';
import type { Pool } from 'pg';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { connectDatabase, type DatabaseAddress } from '../database/connect.ts';
import { tellGuardsTakenOut } from '../guards.ts';
import { connectKafka, type KafkaOptions } from '../kafka/connect.ts';
import type { Logger } from '../log.ts';
import type { LoadedPipeline } from '../spec/load.ts';
import { namesOf } from '../spec/names.ts';
import type { Pipeline } from '../spec/pipeline.ts';
import { serveHealth } from './health.ts';
import { type KeptWorker, keepRunning } from './keepRunning.ts';
import type { HttpOptions, Role, RoleContext, Worker, WorkerHealth } from './role.ts';
import { stopOnSignal } from './signals.ts';

/** Connections of one Pipeline's worker: its transactions plus its maintenance. */
const CONNECTIONS_PER_PIPELINE = 5;
const MOST_CONNECTIONS = 40;
/** How often the event loop is looked at for its lag: each look wakes an idle process. */
const LOOP_SAMPLE_MS = 100;

export interface ServeOptions {
  kafka: Omit<KafkaOptions, 'log' | 'clientId'>;
  /** Must be there for a role that needs a database. */
  database?: DatabaseAddress;
  /** Of /healthz, /readyz and /metrics; default: loopback, any free port. */
  host?: string;
  port?: number;
  /** Of sources of HTTP. */
  http?: HttpOptions;
  /** Which one this is of several producers that share a source. */
  instance?: string;
  /** The same, of pods that are numbered. */
  ordinal?: number;
  log: Logger;
}

/** @returns the exit code: 0 after a drain. @throws Error when the process cannot serve at all. */
export async function serveRole(role: Role, pipelines: readonly LoadedPipeline[], options: ServeOptions): Promise<number> {
  // Of a process with one Pipeline every line is that one's.
  const [only] = pipelines.length === 1 ? pipelines : [];
  const log = only ? options.log.child({ pipeline: namesOf(only.pipeline).pipeline }) : options.log;
  tellGuardsTakenOut(log);
  const stop = stopOnSignal({ beforeEnd: (signal) => log.warn({ signal }, 'second signal: exit without draining') });
  const metrics = new Registry();
  collectDefaultMetrics({ register: metrics, eventLoopMonitoringPrecision: LOOP_SAMPLE_MS });
  const clientId = `millrace-${role.name}`;
  const kafka = connectKafka({ ...options.kafka, clientId, log });
  const wanting = pipelines.filter(({ pipeline }) => needsDatabase(role, pipeline)).length;
  const database = wanting > 0 ? openDatabase(role.name, wanting, { ...options, log }) : null;
  const start = (pipeline: Pipeline, context: Omit<RoleContext, 'database'>): Promise<Worker> => {
    if (role.name === 'producer') return role.start(pipeline, context);
    if (role.name === 'processor') return role.start(pipeline, { ...context, ...(database && { database }) });
    if (!database) throw new Error(`the ${role.name} has no database`);
    return role.start(pipeline, { ...context, database });
  };

  const workers = new Map<string, KeptWorker>();
  const states = (): Record<string, WorkerHealth> =>
    Object.fromEntries(
      pipelines.map(({ pipeline }) => {
        const name = namesOf(pipeline).pipeline;
        return [name, workers.get(name)?.health() ?? { ready: false, phase: 'starting', state: 'starting' }];
      }),
    );
  const health = await serveHealth({ host: options.host ?? '127.0.0.1', port: options.port ?? 0, metrics, states });
  for (const { pipeline, folder } of pipelines) {
    const name = namesOf(pipeline).pipeline;
    const { instance, ordinal } = options;
    const which = { ...(instance !== undefined && { instance }), ...(ordinal !== undefined && { ordinal }) };
    const given = { ...(options.http && { http: options.http }), ...which };
    const context = { kafka, metrics, baseFolder: folder, ...given, log: only ? log : log.child({ pipeline: name }) };
    workers.set(
      name,
      keepRunning(() => start(pipeline, context), context.log),
    );
  }
  const startupMs = Math.round(performance.now()); // since the process started
  log.info({ port: health.port, pipelines: [...workers.keys()], startupMs }, 'serving');
  if (!stop.aborted) await once(stop, 'abort');
  log.info('draining');
  await Promise.all([...workers.values()].map((worker) => worker.stop()));
  await health.close();
  await kafka.close();
  await database?.end();
  log.info('drained');
  return 0;
}

function needsDatabase({ needsDatabase: needs }: Role, pipeline: Pipeline): boolean {
  return typeof needs === 'boolean' ? needs : needs(pipeline);
}

function openDatabase(role: string, pipelines: number, { database, log }: ServeOptions): Pool {
  if (!database) throw new Error(`the ${role} needs a database: give --database postgres://user@host:port/database`);
  const max = Math.min(MOST_CONNECTIONS, CONNECTIONS_PER_PIPELINE * pipelines);
  return connectDatabase({ ...database, applicationName: `millrace-${role}`, max, log });
}
