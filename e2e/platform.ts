/**
 * A whole Millrace on this machine for tests: real brokers, a real database, and processes of the roles, each of which can
 * be killed or stopped and comes back, as a supervisor or kubelet would do it. Everything that `faults/` does to it goes
 * through this interface.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectDatabase } from '@millrace/core/database/connect.ts';
import { connectKafka } from '@millrace/core/kafka/connect.ts';
import type { Kafka } from '@millrace/core/kafka/kafka.ts';
import { type LoadedPipeline, loadPipelines } from '@millrace/core/spec/load.ts';
import type { EmbeddedKafka, KafkaNode } from '@millrace/embedded/kafka.ts';
import type { EmbeddedPostgres } from '@millrace/embedded/postgres.ts';
import { setupPipeline } from '@millrace/setup/setup.ts';
import type { Pool } from 'pg';
import { pino } from 'pino';
import { type Clock, fakeClock } from './clock.ts';
import { type KeptRole, keepRole, ROLES, type RoleName } from './roles.ts';
import { type Proxies, type ServerOptions, startServers } from './servers.ts';
import type { SmallDisk } from './smallDisk.ts';

export { ROLES, type RoleName };

export interface PlatformOptions extends ServerOptions {
  /** Processes by role that are started at once; default one of each. More by `startRole`. */
  members?: Partial<Record<RoleName, number>>;
  /** Gives the roles' processes a clock that can be set, where libfaketime is installed. */
  clock?: boolean;
}

export interface Platform {
  loaded: LoadedPipeline;
  /** The test's own connections, past the proxies. */
  kafka: Kafka;
  database: Pool;
  broker: EmbeddedKafka;
  server: EmbeddedPostgres;
  proxies: Proxies | null;
  disk: SmallDisk | null;
  clock: Clock | null;
  /** Processes of a role that run, in the order of their starts. */
  pids(role: RoleName): number[];
  /** Starts a process of a role: one that was not started with the platform, or another member of its group. */
  startRole(role: RoleName): void;
  /** Stops or continues (SIGSTOP, SIGCONT) the `nth` process of a role, from 0 in the order of their starts. */
  signal(role: RoleName, nth: number, signal: 'SIGSTOP' | 'SIGCONT'): void;
  /** What the `nth` process of a role has logged so far. */
  logged(role: RoleName, nth: number): string;
  /** Ends the `nth` process of a role, or broker, with SIGKILL; it starts again by itself. Resolves when it is started again. */
  kill(target: RoleName | 'broker' | 'database', nth?: number): Promise<void>;
  /** Writes the Pipeline anew; each role's process takes it at its next start. */
  rewrite(yaml: string): void;
  /** Folder with the logs of the roles; kept when a test fails. */
  folder: string;
  stop(): Promise<void>;
}

export async function startPlatform(yaml: string, options: PlatformOptions = {}): Promise<Platform> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-e2e-'));
  const pipelineFile = join(folder, 'pipeline.yaml');
  writeFileSync(pipelineFile, yaml);
  const [loaded] = await loadPipelines(pipelineFile);
  if (!loaded) throw new Error('no Pipeline in the test');
  const log = pino({ level: 'silent' });
  const servers = await startServers(folder, options);
  const { broker, server } = servers;
  const kafka = connectKafka({ brokers: broker.brokers, clientId: 'e2e', log });
  const database = connectDatabase({ url: server.url, applicationName: 'e2e', log });
  await setupPipeline(loaded.pipeline, { kafka, database, log });

  const clock = options.clock ? fakeClock(folder) : null;
  const env = { ...process.env, ...servers.env, ...clock?.env };
  const kept: Record<RoleName, KeptRole[]> = { producer: [], processor: [], sink: [] };
  const startRole = (role: RoleName): void =>
    void kept[role].push(keepRole({ role, nth: kept[role].length, pipelineFile, folder, env }));
  const at = <T>(all: readonly T[], nth: number, what: string): T => {
    const found = all[nth];
    if (!found) throw new Error(`the ${what} number ${nth} was not started`);
    return found;
  };
  for (const role of ROLES) for (let n = 0; n < (options.members?.[role] ?? 1); n += 1) startRole(role);
  return {
    ...servers,
    loaded,
    kafka,
    database,
    clock,
    folder,
    startRole,
    pids: (role) => kept[role].map((one) => one.pid()),
    signal: (role, nth, signal) => void process.kill(at(kept[role], nth, role).pid(), signal),
    logged: (role, nth) => at(kept[role], nth, role).logged(),
    kill: (target, nth = 0) => {
      if (target === 'broker') return killServer(at(broker.nodes, nth, target));
      if (target === 'database') return killServer(server);
      return at(kept[target], nth, target).kill();
    },
    rewrite: (text) => writeFileSync(pipelineFile, text),
    stop: async () => {
      await Promise.all(Object.values(kept).flatMap((processes) => processes.map((one) => one.stop())));
      await kafka.close();
      await database.end();
      await servers.stop();
    },
  };
}

/** Removes the folder of a platform whose test passed. */
export function removeFolder(platform: Platform): void {
  rmSync(platform.folder, { recursive: true, force: true });
}

async function killServer(server: KafkaNode | EmbeddedPostgres): Promise<void> {
  server.kill('SIGKILL');
  await server.exited;
  await server.start();
}
