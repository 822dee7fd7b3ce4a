/**
 * Programs that send to the sources of HTTP and MQTT while a run lasts, such as the simulator of an example. Each is a process of its own, which
 * ends by itself when it has sent all. Its own process group keeps Ctrl-C from it; the channel tells it when this process is gone.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { resolve } from 'node:path';

const GRACE_MS = 5_000;

export interface Clients {
  /** What is not sent yet, for people; null: all is, or there are none. */
  unsent(): string | null;
  /** What ended otherwise than well; null: nothing did. */
  failure(): string | null;
  stop(): Promise<void>;
}

export interface ClientOptions {
  env: NodeJS.ProcessEnv;
  /** Standard output and error are appended to it. */
  logFile: string;
  say(line: string): void;
}

export interface Told {
  httpUrl: string;
  /** undefined: each specification names its own. */
  mqttUrl: string | undefined;
  secrets: string | undefined;
}

/** What clients are told: where to send to, and where the Secrets are. */
export function clientEnvironment({ httpUrl, mqttUrl, secrets }: Told): NodeJS.ProcessEnv {
  return {
    ...process.env,
    MILLRACE_HTTP_URL: httpUrl,
    ...(mqttUrl === undefined ? {} : { MILLRACE_MQTT_URL: mqttUrl }),
    ...(secrets === undefined ? {} : { MILLRACE_SECRETS: resolve(secrets) }),
  };
}

export function startClients(files: readonly string[], { env, logFile, say }: ClientOptions): Clients {
  const running = new Map<string, { child: ChildProcess; ended: Promise<void> }>();
  let failure: string | null = null;
  let stopping = false;
  for (const file of files) {
    const log = openSync(logFile, 'a', 0o600);
    const child = spawn(process.execPath, [file], { env, detached: true, stdio: ['ignore', log, log, 'ipc'] });
    closeSync(log);
    const ended = new Promise<void>((done) => {
      const end = (how: string | null): void => {
        running.delete(file);
        if (how !== null && !stopping) {
          failure ??= `${file} ${how}; its log: ${logFile}`;
          say(failure);
        }
        done();
      };
      child.once('error', ({ message }) => end(`cannot be started: ${message}`));
      child.once('exit', (code, signal) => end(code === 0 ? null : `ended with ${signal ?? `exit code ${code}`}`));
    });
    running.set(file, { child, ended });
  }
  return {
    unsent: () => (running.size === 0 ? null : `${[...running.keys()].join(' and ')} has more to send`),
    failure: () => failure,
    stop: async () => {
      stopping = true;
      const children = [...running.values()];
      for (const { child } of children) child.kill('SIGTERM');
      const late = setTimeout(() => children.map(({ child }) => child.kill('SIGKILL')), GRACE_MS);
      await Promise.all(children.map(({ ended }) => ended));
      clearTimeout(late);
    },
  };
}
