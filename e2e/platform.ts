/**
 * A whole Millrace on this machine for tests: a real broker, a real database, and one process per role, each of which can
 * be killed and comes back, as a supervisor or kubelet would do it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connectDatabase } from '@millrace/core/database/connect.ts';
import { connectKafka } from '@millrace/core/kafka/connect.ts';
import type { Kafka } from '@millrace/core/kafka/kafka.ts';
import { type LoadedPipeline, loadPipelines } from '@millrace/core/spec/load.ts';
import { type EmbeddedKafka, startKafka } from '@millrace/embedded/kafka.ts';
import { type EmbeddedPostgres, startPostgres } from '@millrace/embedded/postgres.ts';
import { setupPipeline } from '@millrace/setup/setup.ts';
import type { Pool } from 'pg';
import { pino } from 'pino';
import type { Target } from './faults/schedule.ts';

const CLI = fileURLToPath(new URL('../services/cli/bin/millrace.ts', import.meta.url));
const RESTART_AFTER_MS = 200;

export const ROLES = ['producer', 'processor', 'sink'] as const;
export type RoleName = (typeof ROLES)[number];

export interface Platform {
  loaded: LoadedPipeline;
  kafka: Kafka;
  database: Pool;
  /** Process of a role that runs; of several of one role, the first. */
  pid(role: RoleName): number;
  /** Starts a process of a role: one that was not started with the platform, or another member of its group. */
  startRole(role: RoleName): void;
  /** Stops or continues (SIGSTOP, SIGCONT) the `nth` process of a role, from 0 in the order of their starts. */
  signal(role: RoleName, nth: number, signal: 'SIGSTOP' | 'SIGCONT'): void;
  /** What the `nth` process of a role has logged so far. */
  logged(role: RoleName, nth: number): string;
  /** Ends the target with SIGKILL; it starts again by itself. Resolves when it is started again. */
  kill(target: Target): Promise<void>;
  /** Folder with the logs of the roles; kept when a test fails. */
  folder: string;
  stop(): Promise<void>;
}

/** @param roles started at once; the others by `startRole` */
export async function startPlatform(yaml: string, roles: readonly RoleName[] = ROLES): Promise<Platform> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-e2e-'));
  const file = join(folder, 'pipeline.yaml');
  writeFileSync(file, yaml);
  const [loaded] = await loadPipelines(file);
  if (!loaded) throw new Error('no Pipeline in the test');
  const log = pino({ level: 'silent' });
  const [broker, server] = await Promise.all([startKafka(), startPostgres()]);
  const kafka = connectKafka({ brokers: broker.brokers, clientId: 'e2e', log });
  const database = connectDatabase({ url: server.url, applicationName: 'e2e', log });
  await setupPipeline(loaded.pipeline, { kafka, database, log });

  const env = { ...process.env, MILLRACE_KAFKA: broker.brokers.join(','), MILLRACE_DATABASE: server.url };
  const kept: Record<RoleName, KeptRole[]> = { producer: [], processor: [], sink: [] };
  const logOf = (role: RoleName, nth: number): string => join(folder, nth === 0 ? `${role}.log` : `${role}-${nth}.log`);
  const startRole = (role: RoleName): void => void kept[role].push(keepRole(role, file, logOf(role, kept[role].length), env));
  const keptRole = (role: RoleName, nth = 0): KeptRole => {
    const found = kept[role][nth];
    if (!found) throw new Error(`the ${role} number ${nth} was not started`);
    return found;
  };
  for (const role of roles) startRole(role);
  return {
    loaded,
    kafka,
    database,
    folder,
    startRole,
    pid: (role) => keptRole(role).pid(),
    signal: (role, nth, signal) => void process.kill(keptRole(role, nth).pid(), signal),
    logged: (role, nth) => readFileSync(logOf(role, nth), 'utf8'),
    kill: (target) => {
      if (target === 'broker') return killBroker(broker);
      if (target === 'database') return killDatabase(server);
      return keptRole(target).kill();
    },
    stop: async () => {
      await Promise.all(Object.values(kept).flatMap((processes) => processes.map((one) => one.stop())));
      await kafka.close();
      await database.end();
      await Promise.all([broker.stop(), server.stop()]);
    },
  };
}

/** Removes the folder of a platform whose test passed. */
export function removeFolder(platform: Platform): void {
  rmSync(platform.folder, { recursive: true, force: true });
}

async function killBroker(broker: EmbeddedKafka): Promise<void> {
  const [node] = broker.nodes;
  if (!node) throw new Error('no broker');
  node.kill('SIGKILL');
  await node.exited;
  await node.start();
}

async function killDatabase(server: EmbeddedPostgres): Promise<void> {
  server.kill('SIGKILL');
  await server.exited;
  await server.start();
}

interface KeptRole {
  pid(): number;
  kill(): Promise<void>;
  stop(): Promise<void>;
}

function keepRole(role: RoleName, file: string, logFile: string, env: NodeJS.ProcessEnv): KeptRole {
  const log = createWriteStream(logFile, { flags: 'a' });
  let stopping = false;
  let child: ChildProcess;
  let restarted = Promise.withResolvers<void>();
  let exited = Promise.resolve();

  function start(): void {
    const started = spawn(process.execPath, [CLI, 'run', '--role', role, file], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    child = started;
    started.stdout.pipe(log, { end: false });
    started.stderr.pipe(log, { end: false });
    exited = new Promise((resolve) => started.once('exit', () => resolve()));
    restarted.resolve();
    restarted = Promise.withResolvers();
    void exited.then(() => {
      if (!stopping) setTimeout(() => !stopping && start(), RESTART_AFTER_MS);
    });
  }
  start();
  return {
    pid: () => child.pid ?? 0,
    kill: () => {
      const back = restarted.promise;
      child.kill('SIGKILL');
      return back;
    },
    stop: async () => {
      stopping = true;
      child.kill('SIGCONT'); // a stopped process takes no other signal
      child.kill('SIGTERM');
      await exited;
      log.end();
    },
  };
}
