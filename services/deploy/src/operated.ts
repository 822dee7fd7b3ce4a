/** What the operators of others say of the resources that we ask them for. */
import type { Manifest } from '@millrace/cdk8s/constructs/manifest.ts';
import type { Kubectl } from './kubectl.ts';
import { OURS, resourceOf } from './live.ts';

/** Those whose status says whether they are there; without them our pods wait in vain. */
const TOLD: ReadonlySet<string> = new Set(['KafkaUser', 'KafkaTopic', 'Cluster', 'Database', 'DatabaseRole']);

export interface Operated {
  kind: string;
  metadata: { name: string };
  status?: {
    conditions?: { type: string; status: string; reason?: string; message?: string }[];
    /** Of a Database and a DatabaseRole. */
    applied?: boolean;
    message?: string;
  };
}

/** In a few words those that are not ready yet; empty when all are. */
export async function operatedIn(kubectl: Kubectl, objects: readonly Manifest[]): Promise<string> {
  const kinds = new Set(objects.filter(({ kind }) => TOLD.has(kind)).map(resourceOf));
  if (kinds.size === 0) return '';
  return unreadyOf(await kubectl.list<Operated>([...kinds].join(','), `--selector=${OURS}`));
}

/** Pure. */
export function unreadyOf(items: readonly Operated[]): string {
  return items
    .flatMap(({ kind, metadata: { name }, status }) => {
      const ready = status?.conditions?.find(({ type }) => type === 'Ready');
      if (status?.applied === true || ready?.status === 'True') return [];
      const why = status?.message ?? ready?.message ?? ready?.reason;
      return [`${kind} ${name} (${why ?? 'its operator has said nothing of it'})`];
    })
    .join(', ');
}
