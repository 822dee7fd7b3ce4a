/**
 * `make logs`: what the pods say, in words, until Ctrl-C. Pods that come later (a new image, a restart) are followed as well:
 * kubectl by itself knows only those that are there when it starts.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Options } from './options.ts';
import type { Target } from './target.ts';

const LOOK_EVERY_MS = 3_000;
/** Of each pod, from before. */
const TAIL = 20;
const PART = 'app.kubernetes.io';

interface Pod {
  metadata: { name: string; uid: string; labels?: Record<string, string> };
  status: { phase: string; containerStatuses?: { restartCount: number; state: { waiting?: object } }[] };
}

/** Pure. */
export function selectorOf({ role, pipeline }: Pick<Options, 'role' | 'pipeline'>): string {
  return [
    `${PART}/part-of=millrace`,
    ...(role === null ? [] : [`${PART}/component=${role}`]),
    ...(pipeline === null ? [] : [`${PART}/instance=${pipeline}`]),
  ].join(',');
}

const HIDDEN = new Set(['level', 'time', 'role', 'pipeline', 'msg', 'pid', 'hostname', 'err']);

/** A log line for people: of our own, which are JSON, time, level, message and the other members. Pure. */
export function readable(line: string): string {
  try {
    const entry = JSON.parse(line) as Record<string, unknown> & { err?: { message?: string } };
    const { level, time, msg, err } = entry;
    if (typeof level !== 'string' || typeof msg !== 'string') return line;
    const clock = typeof time === 'string' || typeof time === 'number' ? new Date(time).toISOString().slice(11, 23) : '';
    const rest = Object.entries(entry).filter(([name]) => !HIDDEN.has(name));
    const members = rest.map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
    return [clock, level, msg, ...(err?.message === undefined ? [] : [err.message]), ...members]
      .filter((part) => part !== '')
      .join('  ');
  } catch {
    return line;
  }
}

/** @param signal ends it @throws Error where there is no such pod, or the cluster does not answer */
export async function logs(
  { kubectl }: Pick<Target, 'kubectl'>,
  options: Pick<Options, 'role' | 'pipeline' | 'follow'>,
  print: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const selector = selectorOf(options);
  const seen = new Set<string>();
  const running = new Set<Promise<void>>();
  for (let first = true; !signal.aborted; first = false) {
    const pods = await kubectl.list<Pod>('pods', `--selector=${selector}`);
    if (first && pods.length === 0)
      throw new Error(
        `there is no pod with ${selector} in the namespace ${kubectl.namespace}; make status shows those that there are`,
      );
    for (const pod of pods) {
      const [container] = pod.status.containerStatuses ?? [];
      // A container that was started again is another log.
      const key = `${pod.metadata.uid} ${container?.restartCount ?? 0}`;
      if (!container || container.state.waiting || seen.has(key)) continue;
      seen.add(key);
      const words = ['logs', pod.metadata.name, ...(first ? [`--tail=${TAIL}`] : []), ...(options.follow ? ['--follow'] : [])];
      const reading = read(kubectl.words(...words), (line) => print(`${nameOf(pod)}  ${readable(line)}`), signal);
      running.add(reading);
      void reading.finally(() => running.delete(reading));
    }
    if (!options.follow) break;
    await sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
  }
  await Promise.all(running);
}

/** `traffic sink`, or the pod's name where it has no role. */
function nameOf({ metadata: { name, labels = {} } }: Pod): string {
  const [instance, component] = [labels[`${PART}/instance`], labels[`${PART}/component`]];
  return instance === undefined || component === undefined || instance === 'platform' ? name : `${instance} ${component}`;
}

/** Resolves when it has ended, however: a pod may go at any moment, and what kubectl says of that is printed. */
function read([program = '', ...words]: readonly string[], print: (line: string) => void, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const child: ChildProcess = spawn(program, words, { stdio: ['ignore', 'pipe', 'pipe'] });
    const end = (): void => void child.kill();
    signal.addEventListener('abort', end, { once: true });
    for (const stream of [child.stdout, child.stderr]) {
      let rest = '';
      stream?.setEncoding('utf8').on('data', (chunk: string) => {
        const lines = (rest + chunk).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) print(line);
      });
      stream?.on('end', () => rest !== '' && print(rest));
    }
    child.on('error', (error) => print(`${program}: ${error.message}`));
    child.on('close', () => {
      signal.removeEventListener('abort', end);
      resolve();
    });
    if (signal.aborted) end();
  });
}
