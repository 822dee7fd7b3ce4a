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
  /** Without which it is of no use. */
  keys: readonly string[];
}

export async function given({ wanted, live, kubectl }: Candidate): Promise<string[]> {
  const refs = [...wanted.inventory.objects, ...wanted.inventory.kept];
  const mounted = mountedBy(workloadsOf(wanted.objects)).filter(notMadeBy([...refs, ...refs.flatMap(madeByOperators)]));
  if (mounted.length === 0) return [];
  const there =
    live.namespace === 'missing'
      ? []
      : await kubectl.list<Content & { kind: string }>('secrets,configmaps,persistentvolumeclaims');
  const found = new Map(there.map((one) => [`${one.kind}/${one.metadata.name}`, one]));
  // Tokens are made where they are missing; one that is there must be whole.
  const tokens = new Set(wanted.tokens.map(({ name }) => `Secret/${name}`).filter((key) => !found.has(key)));
  const needed = mounted.filter(({ kind, name }) => !tokens.has(`${kind}/${name}`));
  return problemsOf(needed, found, kubectl.namespace);
}

/** Each once. Pure. */
export function mountedBy(workloads: readonly Workload[]): Mounted[] {
  const found = new Map<string, Mounted>();
  for (const { name: by, pod } of workloads)
    for (const source of ((pod.volumes ?? []) as Volume[]).flatMap((volume) => [volume, ...(volume.projected?.sources ?? [])])) {
      const { secret, configMap, persistentVolumeClaim } = source;
      const all: [Mounted['kind'], string | undefined][] = [
        ['Secret', secret?.secretName ?? secret?.name],
        ['ConfigMap', configMap?.name],
        ['PersistentVolumeClaim', persistentVolumeClaim?.claimName],
      ];
      for (const [kind, name] of all) {
        if (name === undefined || found.has(`${kind}/${name}`)) continue;
        const login = kind === 'Secret' && LOGIN.test(name) ? LOGIN_KEYS : [];
        found.set(`${kind}/${name}`, { kind, name, by, keys: secret?.items?.map(({ key }) => key) ?? login });
      }
    }
  return [...found.values()];
}

interface Source {
  /** `name` in a projected volume. */
  secret?: { secretName?: string; name?: string; items?: { key: string }[] };
  configMap?: { name: string };
  persistentVolumeClaim?: { claimName: string };
}
type Volume = Source & { projected?: { sources: Source[] } };

/** Secrets that come with what we ask operators for. */
function madeByOperators({ kind, name }: Ref): Ref[] {
  const secrets = kind === 'KafkaUser' ? [name] : kind === 'Cluster' ? [`${name}-ca`] : [];
  return secrets.map((secret) => ({ apiVersion: 'v1', kind: 'Secret', name: secret, instance: '', component: '' }));
}

const notMadeBy = (refs: readonly Ref[]) => {
  const made = new Set(refs.map(({ kind, name }) => `${kind}/${name}`));
  return ({ kind, name }: Mounted): boolean => !made.has(`${kind}/${name}`);
};

/** Pure. @param there by `Kind/name` */
export function problemsOf(mounted: readonly Mounted[], there: ReadonlyMap<string, Content>, namespace: string): string[] {
  return mounted.flatMap(({ kind, name, by, keys }) => {
    const found = there.get(`${kind}/${name}`);
    if (!found)
      return [
        `${by} needs the ${kind} ${name}, which is not in the namespace ${namespace}: make it first${keys.length > 0 ? `, with ${keys.join(' and ')}` : ''}`,
      ];
    const missing = keys.filter((key) => !found.data?.[key]);
    return missing.length === 0
      ? []
      : [
          `the Secret ${name} in the namespace ${namespace}, which ${by} needs, has no ${missing.join(' and no ')}; it has ${Object.keys(found.data ?? {}).join(', ') || 'nothing'}`,
        ];
  });
}
