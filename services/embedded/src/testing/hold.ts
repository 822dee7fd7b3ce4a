import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { identify, isAlive } from '../identity.ts';

export interface Held {
  holder: ChildProcess;
  /** Of the server. */
  pid: number;
  /** Ends the holder as a crash would: the server lives on. */
  kill(): Promise<void>;
}

/** Starts a server in a process of its own (holder.ts) and waits until it is ready. Both are gone when the test is over, however it ended. */
export async function hold(kind: 'kafka' | 'postgres', folder?: string, env: NodeJS.ProcessEnv = process.env): Promise<Held> {
  const args = [join(import.meta.dirname, 'holder.ts'), kind, ...(folder === undefined ? [] : [folder])];
  const holder = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'], env });
  const ended = once(holder, 'exit');
  onTestFinished(() => void holder.kill('SIGKILL'));
  const line = await Promise.race([once(holder.stdout, 'data'), ended]);
  const server = identify(Number(String(line[0]).trim()));
  if (server === undefined) throw new Error(`the holder of ${kind} ended before its server was ready`);
  onTestFinished(() => void (isAlive(server) && process.kill(server.pid, 'SIGKILL')));
  const kill = async () => {
    holder.kill('SIGKILL');
    await ended;
  };
  return { holder, pid: server.pid, kill };
}
