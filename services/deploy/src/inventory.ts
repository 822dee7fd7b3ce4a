/**
 * What a deploy made, so that the next one knows what is no longer wanted, and undeploy what there is. It stands in a ConfigMap
 * of the namespace, and grows before anything is applied, so that nothing is forgotten when a deploy ends half way.
 *
 * Invariant: only what the inventory names and what still carries our label is ever deleted; volumes and Secrets never by a
 * deploy (docs/decisions/0029).
 */
import { labelsOf } from '@millrace/cdk8s/constructs/labels.ts';
import type { Manifest } from '@millrace/cdk8s/constructs/manifest.ts';
import type { Values } from '@millrace/cdk8s/platform/values.ts';

export const INVENTORY = 'millrace-deploy';
const KEY = 'inventory.json';

export interface Ref {
  apiVersion: string;
  kind: string;
  name: string;
  /** Of the recommended labels: `platform` or a Pipeline's name; '' where it has none. */
  instance: string;
  component: string;
}

export interface Inventory {
  /** What the platform was when it was last deployed. */
  values: Values;
  objects: readonly Ref[];
  /** Volumes, what has its own, and the Secrets that belong to what is on them: kept by all but a purge. */
  kept: readonly Ref[];
}

/** Their operators take the data with them. */
export const HOLDS_DATA: ReadonlySet<string> = new Set(['Cluster', 'KafkaTopic']);

export function refOf({ apiVersion, kind, metadata: { name, labels = {} } }: Manifest): Ref {
  const label = (part: string): string => labels[`app.kubernetes.io/${part}`] ?? '';
  return { apiVersion, kind, name, instance: label('instance'), component: label('component') };
}

/** An object's name among all: of one kind there is one of a name, whatever version of the API speaks of it. */
export function keyOf({ apiVersion, kind, name }: Pick<Ref, 'apiVersion' | 'kind' | 'name'>): string {
  const group = groupOf(apiVersion);
  return `${kind}${group === '' ? '' : `.${group}`}/${name}`;
}

/** Of the API: `apps` of `apps/v1`, '' of the core's `v1`. */
export function groupOf(apiVersion: string): string {
  return apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';
}

/** The volumes that the StatefulSets among these objects claim. */
export function claimsOf(objects: readonly Manifest[]): Ref[] {
  return objects.flatMap((object) => {
    if (object.kind !== 'StatefulSet') return [];
    const { replicas = 1, volumeClaimTemplates = [] } = object.spec as {
      replicas?: number;
      volumeClaimTemplates?: { metadata: { name: string } }[];
    };
    const { instance, component } = refOf(object);
    return volumeClaimTemplates.flatMap(({ metadata }) =>
      Array.from({ length: replicas }, (_, index) => ({
        apiVersion: 'v1',
        kind: 'PersistentVolumeClaim',
        name: `${metadata.name}-${object.metadata.name}-${index}`,
        instance,
        component,
      })),
    );
  });
}

/** What either of them names. */
export function together(before: Inventory | null, now: Inventory): Inventory {
  return {
    ...now,
    objects: union(before?.objects ?? [], now.objects),
    kept: union(before?.kept ?? [], now.kept),
  };
}

/** What was made and is wanted no longer. @param live names (`keyOf`) of what is there and carries our label */
export function surplus(before: Inventory | null, now: Inventory, live: ReadonlySet<string>): Ref[] {
  const wanted = new Set([...now.objects, ...now.kept].map(keyOf));
  return (before?.objects ?? []).filter((ref) => !wanted.has(keyOf(ref)) && live.has(keyOf(ref)));
}

function union(before: readonly Ref[], now: readonly Ref[]): Ref[] {
  const wanted = new Set(now.map(keyOf));
  return [...before.filter((ref) => !wanted.has(keyOf(ref))), ...now];
}

export function inventoryObject(inventory: Inventory): Manifest {
  const identity = { name: 'millrace', instance: 'platform', component: 'inventory' };
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: INVENTORY, namespace: inventory.values.namespace, labels: labelsOf(identity) },
    data: { [KEY]: `${JSON.stringify(inventory, null, 1)}\n` },
  };
}

/** @throws Error where somebody has changed it so that it cannot be read */
export function readInventory({ data }: { data?: Record<string, string> }): Inventory {
  try {
    const { values, objects, kept } = JSON.parse(data?.[KEY] ?? '') as Inventory;
    if (!Array.isArray(objects) || !Array.isArray(kept) || typeof values !== 'object') throw new Error('a member is missing');
    return { values, objects, kept };
  } catch (error) {
    throw new Error(
      `the ConfigMap ${INVENTORY}, which says what was deployed, cannot be read (${(error as Error).message}); delete it, and the next deploy writes it anew, but then removes nothing of what was there`,
    );
  }
}
