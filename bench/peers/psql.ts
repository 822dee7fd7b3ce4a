/** COPY from psql: the limit of what a database takes from one client. */
import { execFile } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';

const run = promisify(execFile);
const TIMEOUT_MS = 30 * 60_000;

export interface CopyClient {
  /** For people: which program, which version. */
  name: string;
  /** Copies a file of COPY text in one transaction. @returns ms of the statement, without the start of the program */
  copy(databaseUrl: string, target: string, file: string): Promise<number>;
}

/** psql where the machine has one (the embedded PostgreSQL ships none), else the file as it is through node-postgres. */
export async function copyClient(): Promise<CopyClient> {
  try {
    const { stdout } = await run('psql', ['--version'], { timeout: 30_000 });
    return { name: stdout.trim(), copy: copyByPsql };
  } catch {
    return { name: 'the file piped through pg-copy-streams, since this machine has no psql', copy: copyByNode };
  }
}

async function copyByPsql(databaseUrl: string, target: string, file: string): Promise<number> {
  const { hostname, port, username, password, pathname } = new URL(databaseUrl);
  const env = {
    ...process.env,
    PGHOST: hostname,
    PGPORT: port,
    PGUSER: username,
    PGPASSWORD: password,
    PGDATABASE: pathname.slice(1),
  };
  const words = ['-X', '-v', 'ON_ERROR_STOP=1', '-c', '\\timing on', '-c', `\\copy ${target} FROM '${file}'`];
  const { stdout } = await run('psql', words, { env, timeout: TIMEOUT_MS });
  const milliseconds = /^Time: ([\d.]+) ms/m.exec(stdout)?.[1];
  if (milliseconds === undefined) throw new Error(`psql told no time: ${JSON.stringify(stdout.slice(0, 200))}`);
  return Number(milliseconds);
}

async function copyByNode(databaseUrl: string, target: string, file: string): Promise<number> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const startedMs = performance.now();
    await pipeline(createReadStream(file, { highWaterMark: 65_536 }), client.query(copyFrom(`COPY ${target} FROM STDIN`)));
    return performance.now() - startedMs;
  } finally {
    await client.end();
  }
}
