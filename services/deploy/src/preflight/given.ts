/** What a deploy does not make and pods mount: Secrets of an external Kafka or database, files and volumes of a replay. */
import type { Ref } from '../inventory.ts';
import { type Candidate, type Workload, workloadsOf } from './check.ts';

/** Of a login, as the bootstrap makes it (docs/decisions/0027). */
const LOGIN_KEYS = ['ca.crt', 'password'];
/** Logins of Kafka and the database; what is in others is their users' business. */
const LOGIN = /^millrace-(kafka|database)-/;

interface Content {
  metadata: { name: string };
  data?: Record<string, string>;
}

export interface Mounted {
  kind: 'Secret' | 'ConfigMap' | 'PersistentVolumeClaim';
  name: string;
  /** Of the workload that mounts it first. */
  by: string;
}

export async function given({ wanted, live, kubectl }: Candidate): Promise<string[]> {
  const mounted = mountedBy(workloadsOf(wanted.objects)).filter(
    notMadeBy([...wanted.inventory.objects, ...wanted.inventory.kept]),
  );
  if (mounted.length === 0) return [];
  const there =
    live.namespace === 'missing'
      ? []
      : await kubectl.list<Content & { kind: string }>('secrets,configmaps,persistentvolumeclaims');
  return problemsOf(mounted, new Map(there.map((one) => [`${one.kind}/${one.metadata.name}`, one])), kubectl.namespace);
}

/** Each once. Pure. */
export function mountedBy(workloads: readonly Workload[]): Mounted[] {
  const found = new Map<string, Mounted>();
  for (const { name: by, pod } of workloads)
    for (const volume of (pod.volumes ?? []) as {
      secret?: { secretName: string };
      configMap?: { name: string };
      persistentVolumeClaim?: { claimName: string };
    }[]) {
      const { secret, configMap, persistentVolumeClaim } = volume;
      const all: [Mounted['kind'], string | undefined][] = [
        ['Secret', secret?.secretName],
        ['ConfigMap', configMap?.name],
        ['PersistentVolumeClaim', persistentVolumeClaim?.claimName],
      ];
      for (const [kind, name] of all)
        if (name !== undefined && !found.has(`${kind}/${name}`)) found.set(`${kind}/${name}`, { kind, name, by });
    }
  return [...found.values()];
}

const notMadeBy = (refs: readonly Ref[]) => {
  const made = new Set(refs.map(({ kind, name }) => `${kind}/${name}`));
  return ({ kind, name }: Mounted): boolean => !made.has(`${kind}/${name}`);
};

/** Pure. @param there by `Kind/name` */
export function problemsOf(mounted: readonly Mounted[], there: ReadonlyMap<string, Content>, namespace: string): string[] {
  return mounted.flatMap(({ kind, name, by }) => {
    const found = there.get(`${kind}/${name}`);
    if (!found)
      return [
        `${by} needs the ${kind} ${name}, which is not in the namespace ${namespace}: make it first${kind === 'Secret' && LOGIN.test(name) ? `, with the keys ${LOGIN_KEYS.join(' and ')}` : ''}`,
      ];
    if (kind !== 'Secret' || !LOGIN.test(name)) return [];
    const missing = LOGIN_KEYS.filter((key) => !found.data?.[key]);
    return missing.length === 0
      ? []
      : [
          `the Secret ${name} in the namespace ${namespace}, which ${by} needs, has no ${missing.join(' and no ')}; it has ${Object.keys(found.data ?? {}).join(', ') || 'nothing'}`,
        ];
  });
}
