/**
 * `make undeploy`: what a deploy made goes away in the order of the data's way, so that each role ends in order while what it
 * sends to is still there: producers, processors, sinks, the rest of the Pipelines, then the platform.
 *
 * Invariant: only what the inventory names is removed. Volumes, and the Secrets that belong to what is on them, go by a purge only,
 * and a namespace only where a deploy made it and nothing of anybody else is in it.
 */
import { listed, MAKES_PODS, remove } from './apply.ts';
import { INVENTORY, type Inventory, keyOf, type Ref } from './inventory.ts';
import type { Kubectl } from './kubectl.ts';
import { type Live, labelled, lookAt } from './live.ts';
import type { Target } from './target.ts';
import { waitFor } from './wait.ts';

/** The longest flush of a role, and the clean end of Kafka and the database, with room. */
const WITHIN_MS = 240_000;
const PLATFORM = 'platform';

export interface Stage {
  name: string;
  refs: readonly Ref[];
}

/** In order; without empty ones. Pure. */
export function stagesOf(objects: readonly Ref[]): Stage[] {
  const ofPipeline = objects.filter(({ instance }) => instance !== PLATFORM);
  const platform = objects.filter(({ instance }) => instance === PLATFORM);
  const role = (name: string) => ofPipeline.filter(({ kind, component }) => kind === 'Deployment' && component === name);
  const roles = ['producer', 'processor', 'sink'].map((name) => ({ name: `the ${name}s`, refs: role(name) }));
  const taken = new Set(roles.flatMap(({ refs }) => refs));
  const pods = (refs: readonly Ref[]) => refs.filter(({ kind }) => MAKES_PODS.has(kind));
  const rest = (refs: readonly Ref[]) => refs.filter(({ kind }) => !MAKES_PODS.has(kind));
  return [
    ...roles,
    { name: 'the rest of the Pipelines', refs: ofPipeline.filter((ref) => !taken.has(ref)) },
    { name: 'the programs of the platform', refs: pods(platform) },
    { name: 'the rest of the platform', refs: rest(platform) },
  ].filter(({ refs }) => refs.length > 0);
}

/** @throws Error with the pods that do not end, and why */
export async function undeploy({ cluster, kubectl, say }: Target, purge: boolean): Promise<void> {
  const live = await lookAt(kubectl);
  const { inventory } = live;
  say(`in ${cluster.name}: the namespace ${kubectl.namespace}`);
  if (inventory === null) {
    say(`nothing to remove: no deploy was here (there is no ConfigMap ${INVENTORY} in it)`);
    return;
  }
  say(purge ? 'everything goes, volumes and Secrets too' : 'volumes and their Secrets stay (PURGE=1 removes them)');
  const there = await labelled(kubectl, inventory.objects);
  for (const { name, refs } of stagesOf(inventory.objects)) {
    const left = refs.filter((ref) => there.has(keyOf(ref)));
    if (left.length === 0) continue;
    say(`removing ${name}`);
    await remove(kubectl, left);
    await gone(name, left, { kubectl, say });
  }
  if (purge) await purgeAll(inventory, live.namespace, { kubectl, say });
  else say(`kept: ${listed(inventory.kept)}`);
}

/** Waits for the objects, and for the pods that they made. */
async function gone(what: string, refs: readonly Ref[], { kubectl, say }: Pick<Target, 'kubectl' | 'say'>): Promise<void> {
  const makers = refs.filter(({ kind }) => MAKES_PODS.has(kind));
  const look = async (): Promise<string> => {
    const pods = await kubectl.list<LivePod>('pods', '--selector=app.kubernetes.io/part-of=millrace');
    const left = pods.filter((pod) => makers.some((maker) => isOf(pod, maker)));
    if (left.length > 0)
      return left
        .map(({ metadata: { name, deletionTimestamp } }) => `${name} (${deletionTimestamp ? 'ending' : 'to end'})`)
        .join(', ');
    const objects = await labelled(kubectl, refs);
    return refs
      .filter((ref) => objects.has(keyOf(ref)))
      .map(keyOf)
      .join(', ');
  };
  await waitFor(`${what} to be gone`, look, { kubectl, say, withinMs: WITHIN_MS });
}

interface LivePod {
  metadata: { name: string; labels?: Record<string, string>; deletionTimestamp?: string };
}

function isOf({ metadata: { labels } }: LivePod, { instance, component }: Ref): boolean {
  return labels?.['app.kubernetes.io/instance'] === instance && labels['app.kubernetes.io/component'] === component;
}

async function purgeAll(
  inventory: Inventory,
  namespace: Live['namespace'],
  { kubectl, say }: Pick<Target, 'kubectl' | 'say'>,
): Promise<void> {
  say(`removing ${listed(inventory.kept)}`);
  await remove(kubectl, inventory.kept);
  const look = async (): Promise<string> => {
    const claims = await kubectl.list<LivePod>('persistentvolumeclaims');
    const of = (kept: string): Set<string> => new Set(inventory.kept.filter(({ kind }) => kind === kept).map(({ name }) => name));
    const [names, clusters] = [of('PersistentVolumeClaim'), of('Cluster')];
    return claims
      .filter(({ metadata: { name, labels } }) => names.has(name) || clusters.has(labels?.['cnpg.io/cluster'] ?? ''))
      .map(({ metadata: { name } }) => name)
      .join(', ');
  };
  await waitFor('the volumes to be gone', look, { kubectl, say, withinMs: WITHIN_MS });
  await kubectl.run('delete', 'configmap', INVENTORY, '--ignore-not-found');
  if (namespace !== 'ours') return say(`the namespace ${kubectl.namespace} stays: no deploy made it`);
  const others = await othersIn(kubectl);
  if (others.length > 0)
    return say(
      `the namespace ${kubectl.namespace} stays, since there is something of somebody else in it: ${others.slice(0, 10).join(', ')}`,
    );
  say(`removing the namespace ${kubectl.namespace}`);
  await kubectl.run('delete', 'namespace', kubectl.namespace, '--timeout=110s');
}

const KINDS =
  'pods,deployments,statefulsets,daemonsets,jobs,cronjobs,services,ingresses,persistentvolumeclaims,secrets,configmaps';

/** What nobody of us made, and what Kubernetes does not put into every namespace by itself. */
async function othersIn(kubectl: Kubectl): Promise<string[]> {
  const items = await kubectl.list<{ kind: string; type?: string; metadata: { name: string; deletionTimestamp?: string } }>(
    KINDS,
  );
  return items
    .filter(({ kind, type, metadata: { name, deletionTimestamp } }) => {
      if (deletionTimestamp !== undefined) return false;
      if (kind === 'ConfigMap' && name === 'kube-root-ca.crt') return false;
      return !(kind === 'Secret' && type === 'kubernetes.io/service-account-token');
    })
    .map(({ kind, metadata: { name } }) => `${kind} ${name}`);
}
