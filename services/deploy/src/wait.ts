/** Waiting for a cluster, with a line whenever what is waited for changes; its failure names the pod, its reason and its last words. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Kubectl } from './kubectl.ts';
import { type Pod, type PodState, statesOf } from './pods.ts';

const POLL_MS = 1_000;
/** An image that is just being loaded, a Secret that is just being made: looked at again before it is given up. */
const STUCK_MS = 45_000;
/** What somebody else runs in the same namespace is not waited for. */
const OURS = '--selector=app.kubernetes.io/part-of=millrace';
const LAST_LINES = 6;
const LONGEST_LINE = 300;
const RUNBOOK = 'docs/runbooks/cluster-stuck.md';

export interface Wait {
  kubectl: Kubectl;
  say(line: string): void;
  withinMs: number;
}

/** One look: what is still missing, in a few words; empty when it is done. */
export type Look = (pods: readonly PodState[]) => Promise<string> | string;

/** All our pods of the namespace serve or have run to their end; else those that do not, by reason. */
export const allReady: Look = (pods) => {
  if (pods.length === 0) return 'pods';
  const names = new Map<string, string[]>();
  for (const { name, reason, done } of pods) if (!done) names.set(reason, [...(names.get(reason) ?? []), shortName(name)]);
  return [...names].map(([reason, some]) => `${some.join(', ')} (${reason})`).join('; ');
};

/** Without what Kubernetes adds to the name of a Deployment or a Job. */
function shortName(pod: string): string {
  return pod.replace(/(-[0-9a-f]{8,10})?-[a-z0-9]{5}$/, '');
}

/** @throws Error with the pods that are not ready, why, and their last log lines */
export async function waitFor(what: string, look: Look, { kubectl, say, withinMs }: Wait): Promise<void> {
  const deadline = performance.now() + withinMs;
  const stuckSince = new Map<string, number>();
  let told = '';
  for (;;) {
    const pods = statesOf(await kubectl.list<Pod>('pods', OURS));
    const missing = await look(pods);
    if (missing === '') return;
    if (missing !== told) say(`waiting for ${missing}`);
    told = missing;
    const now = performance.now();
    for (const { name, stuck } of pods) if (!stuck) stuckSince.delete(name);
    for (const { name, stuck } of pods) if (stuck && !stuckSince.has(name)) stuckSince.set(name, now);
    const hopeless = pods.some(({ name }) => now - (stuckSince.get(name) ?? now) > STUCK_MS);
    if (hopeless || now > deadline) {
      const why = hopeless ? 'a pod is stuck' : `not within ${withinMs / 1_000} s`;
      throw new Error(`${await account(what, missing, pods, kubectl, why)}\n\nWhat to do: ${RUNBOOK}`);
    }
    await sleep(POLL_MS);
  }
}

/** Of stuck pods only, where there are some: what waits for them has nothing to say of its own. */
async function account(what: string, missing: string, pods: readonly PodState[], kubectl: Kubectl, why: string): Promise<string> {
  const stuck = pods.filter((pod) => pod.stuck);
  const told = stuck.length > 0 ? stuck : pods.filter(({ done }) => !done);
  const lines = [`${what}: ${why}; missing: ${missing}`];
  for (const { name, reason } of told)
    lines.push('', `pod ${name}: ${reason}`, ...(await lastWords(name, kubectl)).map((line) => `  ${line}`));
  return lines.join('\n');
}

/** The last log lines, of the process before where this one has said nothing; else the last events. */
export async function lastWords(pod: string, kubectl: Kubectl): Promise<string[]> {
  for (const words of [
    ['logs', pod],
    ['logs', pod, '--previous'],
    ['events', `--for=pod/${pod}`],
  ]) {
    try {
      const lines = (await kubectl.run(...words)).split('\n').filter((line) => line.trim() !== '');
      if (lines.length > 0) return lines.slice(-LAST_LINES).map((line) => plain(line).slice(0, LONGEST_LINE));
    } catch {
      // There is no such log; the next one may tell.
    }
  }
  return ['it has said nothing'];
}

/** A log line for people: of our own, which are JSON, only what happened. */
export function plain(line: string): string {
  try {
    const { level, msg, err, error } = JSON.parse(line) as {
      level?: string;
      msg?: string;
      err?: { message?: string };
      error?: string;
    };
    if (level === undefined || msg === undefined) return line;
    const cause = err?.message ?? error;
    return `${level}: ${msg}${cause === undefined ? '' : `: ${cause}`}`;
  } catch {
    return line;
  }
}
