/**
 * What a live `millrace run` tells other commands in the same data folder: which Pipelines it runs, and where the servers
 * are that it started itself. The file holds the password of that database, hence mode 0600; nothing of servers that
 * the user gave is in it.
 *
 * Invariant: the state counts only while the very process that wrote it lives.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { identify, isAlive, parseIdentity } from '@millrace/embedded/identity.ts';

export interface RunState {
  /** Pipeline files, absolute. */
  files: string[];
  /** Of an embedded Kafka. */
  brokers: string[] | null;
  /** Of an embedded PostgreSQL. */
  databaseUrl: string | null;
}

function stateFile(dataFolder: string): string {
  return join(resolve(dataFolder), 'run.json');
}

/** Writes the state; the function that comes back takes it away. */
export function publishState(dataFolder: string, state: RunState): () => void {
  const file = stateFile(dataFolder);
  rmSync(file, { force: true });
  writeFileSync(file, `${JSON.stringify({ ...identify(process.pid), state }, null, 2)}\n`, { mode: 0o600 });
  return () => rmSync(file, { force: true });
}

/** The state of the run that lives in this folder, or null. */
export function readState(dataFolder: string): RunState | null {
  let text: string;
  try {
    text = readFileSync(stateFile(dataFolder), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  const identity = parseIdentity(text);
  return identity && isAlive(identity) ? (JSON.parse(text) as { state: RunState }).state : null;
}
