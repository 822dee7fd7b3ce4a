/** What is in the cluster already, as far as a deploy is concerned. */
import type { Manifest } from '@millrace/cdk8s/constructs/manifest.ts';
import { namespaceObject } from '@millrace/cdk8s/platform/platform.ts';
import type { Values } from '@millrace/cdk8s/platform/values.ts';
import { CommandFailed } from './command.ts';
import { groupOf, INVENTORY, type Inventory, keyOf, readInventory } from './inventory.ts';
import type { Kubectl } from './kubectl.ts';

/** On a namespace that a deploy made, and undeploy may therefore delete. */
const MADE_BY = 'millrace.dev/made-by';
const DEPLOY = 'deploy';

/** What is ours among others' objects in a namespace. */
export const OURS = 'app.kubernetes.io/part-of=millrace,app.kubernetes.io/managed-by=millrace';

export interface Live {
  /** Of somebody else: it is used as it is, and never deleted. */
  namespace: 'missing' | 'ours' | 'theirs';
  /** null: no deploy was here. */
  inventory: Inventory | null;
}

/** @throws CommandFailed where the cluster does not answer; Error for an inventory that cannot be read */
export async function lookAt(kubectl: Kubectl): Promise<Live> {
  const namespace = await namespaceOf(kubectl);
  if (namespace === 'missing') return { namespace, inventory: null };
  const text = await kubectl.run('get', 'configmap', INVENTORY, '--ignore-not-found', '--output=json');
  return { namespace, inventory: text.trim() === '' ? null : readInventory(JSON.parse(text)) };
}

async function namespaceOf(kubectl: Kubectl): Promise<Live['namespace']> {
  try {
    const text = await kubectl.run('get', 'namespace', kubectl.namespace, '--ignore-not-found', '--output=json');
    if (text.trim() === '') return 'missing';
    const { metadata } = JSON.parse(text) as Manifest;
    return metadata.labels?.[MADE_BY] === DEPLOY ? 'ours' : 'theirs';
  } catch (error) {
    // Who may not look at namespaces has been given one.
    if (error instanceof CommandFailed && error.stderr.includes('(Forbidden)')) return 'theirs';
    throw error;
  }
}

/** With the mark by which it is known as ours. */
export function ourNamespace(values: Values): Manifest {
  const object = namespaceObject(values);
  return { ...object, metadata: { ...object.metadata, labels: { ...object.metadata.labels, [MADE_BY]: DEPLOY } } };
}

/** Names (`keyOf`) of the objects of these kinds that are there and carry our labels. */
export async function labelled(kubectl: Kubectl, refs: readonly { apiVersion: string; kind: string }[]): Promise<Set<string>> {
  const kinds = new Set(refs.map(resourceOf));
  if (kinds.size === 0) return new Set();
  const items = await kubectl.list<Manifest>([...kinds].join(','), `--selector=${OURS}`);
  return new Set(items.map(({ apiVersion, kind, metadata: { name } }) => keyOf({ apiVersion, kind, name })));
}

/** How kubectl is told a kind without any doubt: `Deployment.v1.apps`, `Pod.v1.`. */
export function resourceOf({ apiVersion, kind }: { apiVersion: string; kind: string }): string {
  return `${kind}.${apiVersion.slice(apiVersion.indexOf('/') + 1)}.${groupOf(apiVersion)}`;
}
