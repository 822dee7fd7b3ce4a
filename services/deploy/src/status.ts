/** `make status`: the pods, how far each Pipeline is, and what is stuck and why. Changes nothing. */
import { CommandFailed } from './command.ts';
import type { Inventory } from './inventory.ts';
import type { Kubectl } from './kubectl.ts';
import { lookAt } from './live.ts';
import { type Pod, stateOf } from './pods.ts';
import { progressOf, progressText } from './progress.ts';
import type { Target } from './target.ts';
import { lastWords } from './wait.ts';

interface Claim {
  metadata: { name: string };
  status: { phase: string; capacity?: { storage?: string } };
}

/** @param print a line of the answer */
export async function status({ cluster, kubectl }: Target, print: (line: string) => void): Promise<void> {
  const { namespace, inventory } = await lookAt(kubectl);
  print(`${cluster.name}, namespace ${kubectl.namespace}`);
  if (inventory === null)
    return print(
      namespace === 'missing' ? 'there is no such namespace: make deploy makes it' : 'no deploy was here: make deploy makes one',
    );
  const pods = await kubectl.list<Pod>('pods', '--selector=app.kubernetes.io/part-of=millrace');
  for (const line of podLines(pods)) print(line);
  for (const line of claimLines(await kubectl.list<Claim>('persistentvolumeclaims'))) print(line);
  print('');
  for (const name of pipelinesOf(inventory)) print(`${name}: ${await progressLine(kubectl, name)}`);
  for (const pod of pods) {
    const { name, done, reason } = stateOf(pod);
    if (done || pod.metadata.deletionTimestamp !== undefined) continue;
    print('');
    print(`${name}: ${reason}`);
    for (const line of await lastWords(name, kubectl)) print(`  ${line}`);
  }
  if (pods.length === 0) print('nothing runs: make deploy starts it, on the volumes that are there');
}

/** The Pipelines of a deploy, by name. Pure. */
export function pipelinesOf({ objects }: Inventory): string[] {
  const names = objects
    .filter(({ kind, component }) => kind === 'Deployment' && component === 'sink')
    .map(({ instance }) => instance);
  return [...new Set(names)].toSorted();
}

async function progressLine(kubectl: Kubectl, name: string): Promise<string> {
  try {
    const progress = await progressOf(kubectl, name);
    return `${progressText(progress)}${progress.unfinished === null ? '' : `: ${progress.unfinished}`}`;
  } catch (error) {
    if (!(error instanceof CommandFailed)) throw error;
    return `cannot be asked: ${error.stderr.trim().split('\n').at(-1) ?? error.message}`;
  }
}

/** Pure. */
export function podLines(pods: readonly Pod[]): string[] {
  const rows = pods
    .map((pod) => ({
      ...stateOf(pod),
      restarts: pod.status.containerStatuses?.[0]?.restartCount ?? 0,
      ending: pod.metadata.deletionTimestamp !== undefined,
    }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const width = Math.max(0, ...rows.map(({ name }) => name.length));
  return rows.map(
    ({ name, reason, restarts, ending }) =>
      `${name.padEnd(width)}  ${ending ? 'ending' : reason}${restarts > 0 && !reason.includes('started') ? `, started ${restarts + 1} times` : ''}`,
  );
}

/** Only those that are not there for use. Pure. */
export function claimLines(claims: readonly Claim[]): string[] {
  return claims
    .filter(({ status: { phase } }) => phase !== 'Bound')
    .map(({ metadata: { name }, status: { phase } }) => `volume ${name}: ${phase}`);
}
