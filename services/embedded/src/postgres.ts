/**
 * A real PostgreSQL server as a child process, for laptops and tests.
 *
 * Listens on 127.0.0.1 only, asks for a password (random, in the folder, readable by its owner alone), keeps its data
 * between starts on the same folder.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type ChildPlan, endOrphan, readIfThere } from './child.ts';
import { clearFolder } from './clear.ts';
import { ownFolder } from './folder.ts';
import { demandFree, freePorts } from './ports.ts';
import { postgresBinaries } from './postgresBinaries.ts';
import { databaseName, ensureData, userName } from './postgresData.ts';
import { canReach, lentUser, reachablePlace, type SystemUser } from './postgresUser.ts';
import { type Server, server } from './server.ts';

export interface EmbeddedPostgres {
  /** postgres://user:password@127.0.0.1:port/database */
  url: string;
  /** Holds the server's data in `data`. */
  folder: string;
  /** Of the last start. */
  pid: number;
  /** Signals the server's first process; SIGKILL ends the others, too, SIGSTOP only keeps new sessions out. */
  kill(signal: NodeJS.Signals): void;
  /** Resolves when the process of the last start has ended. */
  exited: Promise<void>;
  /** Starts the server again after it ended, on the same port with the same data. Throws while it still runs. */
  start(): Promise<void>;
  /** Ends the server, also a killed or frozen one, and removes a temporary folder. Safe to call twice. */
  stop(): Promise<void>;
}

export interface PostgresOptions {
  /** Default: a temporary one, which stop() removes. */
  folder?: string;
  /** Default: a free one. */
  port?: number;
  /** Server settings, over the ones below. */
  config?: Record<string, string>;
}

const readyTimeoutMs = 120_000;
const endPatienceMs = 15_000;
/** How long sessions of a killed server may take to notice and to let go of its shared memory. */
const leftoverTimeoutMs = 60_000;

/** Starts a server and resolves when it takes connections. Throws a sentence with the place and the last log lines. */
export async function startPostgres(options: PostgresOptions = {}): Promise<EmbeddedPostgres> {
  const user = lentUser();
  const binaries = postgresBinaries(user);
  const folder = await ownFolder('millrace-postgres', options.folder && (await placeFor(options.folder, user)), (path) =>
    endOrphan(path, 'SIGINT', endPatienceMs),
  );
  let postgres: Server | undefined;
  let ending = false;
  const end = async () => {
    ending = true;
    await postgres?.end();
    await folder.close();
  };
  try {
    const password = await ensureData(folder.path, binaries, user, !folder.temporary);
    const port = options.port ?? Number((await freePorts(1))[0]);
    await demandFree(port, 'PostgreSQL');
    const data = join(folder.path, 'data');
    const log = join(folder.path, 'postgres.log');
    const plan: ChildPlan = {
      name: `PostgreSQL in ${folder.path}`,
      command: binaries.postgres,
      args: ['-D', data, ...settings(port, folder.temporary, options.config ?? {})],
      folder: folder.path,
      outFile: log,
      ...(user === undefined ? {} : { user: { uid: user.uid, gid: user.gid } }),
      isReady: (pid) => isReady(data, pid),
      readyTimeoutMs,
      logs: [log],
      lastSignal: folder.temporary ? 'SIGQUIT' : 'SIGINT',
    };
    const own = server(plan, endPatienceMs);
    postgres = own;
    const startOnce = own.start;
    const start = async () => {
      for (const deadline = Date.now() + leftoverTimeoutMs; ; await delay(100)) {
        try {
          return await startOnce();
        } catch (error) {
          if (ending || !readIfThere(log).includes('is still in use') || Date.now() > deadline) throw error;
        }
      }
    };
    await start();
    let stopping: Promise<void> | undefined;
    return Object.assign(own, {
      url: `postgres://${userName}:${password}@127.0.0.1:${port}/${databaseName}`,
      folder: folder.path,
      start,
      stop: () => {
        stopping ??= end();
        return stopping;
      },
    });
  } catch (error) {
    await end();
    throw error;
  }
}

/**
 * Where a folder's data really stands: elsewhere when PostgreSQL's user cannot reach it; a note in the folder says where.
 * A folder without the note is a new one: what an earlier folder of that name left elsewhere is not its data, and goes.
 */
async function placeFor(folder: string, user: SystemUser | undefined): Promise<string> {
  const path = resolve(folder);
  mkdirSync(path, { recursive: true });
  if (user === undefined || canReach(user, path)) return path;
  const place = reachablePlace('data', path);
  const note = join(path, 'moved-to');
  if (!existsSync(note)) await clearFolder(place);
  mkdirSync(place, { recursive: true, mode: 0o755 });
  writeFileSync(note, `${place}\n`);
  return place;
}

/** Line 8 of postmaster.pid is the server's own word on its state. */
function isReady(data: string, pid: number): boolean {
  const lines = readIfThere(join(data, 'postmaster.pid')).split('\n');
  return lines[0] === String(pid) && lines[7]?.trim() === 'ready';
}

function settings(port: number, temporary: boolean, config: Readonly<Record<string, string>>): string[] {
  const all: Record<string, string> = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: '',
    password_encryption: 'scram-sha-256',
    timezone: 'UTC',
    log_timezone: 'UTC',
    max_connections: '60',
    shared_buffers: '64MB',
    max_wal_size: '512MB',
    jit: 'off',
    // What a client did wrong, the client is told; the server's own log stays small.
    log_min_messages: 'log',
    log_checkpoints: 'off',
    // Killed processes lose nothing by it, only a machine without power: nobody misses temporary data then.
    ...(temporary ? { fsync: 'off' } : {}),
    ...config,
  };
  return Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}
