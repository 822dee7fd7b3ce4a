/** Brings what is wanted into the cluster, in order, and takes away what a former deploy made and nobody wants any longer. */
import type { Manifest } from '@millrace/cdk8s/constructs/manifest.ts';
import { inventoryObject, keyOf, type Ref, surplus, together } from './inventory.ts';
import { documents, type Kubectl } from './kubectl.ts';
import { type Live, labelled, ourNamespace, resourceOf } from './live.ts';
import { tokensFor } from './tokens.ts';
import type { Wanted } from './wanted.ts';

interface Job {
  metadata: { name: string };
  status: { conditions?: { type: string; status: string }[] };
}

export interface Applied {
  /** Of the API server: none, if all is well. */
  warnings: string[];
  removed: Ref[];
}

/** The same again changes nothing. */
export async function apply(wanted: Wanted, live: Live, kubectl: Kubectl): Promise<Applied> {
  // The namespace of somebody else stays as it is.
  const warnings = live.namespace === 'theirs' ? [] : await kubectl.apply([ourNamespace(wanted.values)]);
  if (wanted.cluster.length > 0) warnings.push(...(await kubectl.apply(wanted.cluster)));
  await removeFailedJobs(kubectl);
  const tokens = await tokensFor(wanted.tokens, kubectl);
  const inventory = { ...wanted.inventory, kept: [...wanted.inventory.kept, ...tokens.ours] };
  const meanwhile = inventoryObject(together(live.inventory, inventory));
  // Before the pods that mount them. Made, not applied: whoever was faster keeps his.
  if (tokens.missing.length > 0) {
    warnings.push(...(await kubectl.apply([meanwhile])));
    await kubectl.feed(documents(tokens.missing), 'create', '--filename=-');
  }
  warnings.push(...(await kubectl.apply([meanwhile, ...wanted.objects])));
  const removed = surplus(live.inventory, inventory, await labelled(kubectl, live.inventory?.objects ?? []));
  await remove(kubectl, removed);
  const kept = together(live.inventory, inventory).kept;
  const after = inventoryObject({ ...inventory, kept });
  if (JSON.stringify(after) !== JSON.stringify(meanwhile)) warnings.push(...(await kubectl.apply([after])));
  return { warnings, removed };
}

/** Without waiting for it; what makes pods first, so that nothing is taken from under them. */
export async function remove(kubectl: Kubectl, refs: readonly Pick<Ref, 'apiVersion' | 'kind' | 'name'>[]): Promise<void> {
  if (refs.length === 0) return;
  const first = refs.filter(({ kind }) => MAKES_PODS.has(kind));
  const names = [...first, ...refs.filter((ref) => !first.includes(ref))].map((ref) => `${resourceOf(ref)}/${ref.name}`);
  await kubectl.run('delete', '--ignore-not-found', '--wait=false', ...names);
}

export const MAKES_PODS: ReadonlySet<string> = new Set(['Deployment', 'StatefulSet', 'DaemonSet', 'Job', 'CronJob']);

/** A Job that failed stays failed, and the same one is not made beside it. */
async function removeFailedJobs(kubectl: Kubectl): Promise<void> {
  const jobs = await kubectl.list<Job>('jobs', '--selector=app.kubernetes.io/part-of=millrace');
  const failed = jobs.filter(({ status }) =>
    status.conditions?.some(({ type, status: is }) => type === 'Failed' && is === 'True'),
  );
  for (const { metadata } of failed) await kubectl.run('delete', 'job', metadata.name);
}

/** For the log: `Deployment a, ConfigMap b`. */
export function listed(refs: readonly (Pick<Manifest, 'kind'> & { name: string; apiVersion: string })[]): string {
  return [...new Set(refs.map(keyOf))].join(', ');
}
