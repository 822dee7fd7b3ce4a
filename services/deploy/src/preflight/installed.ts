/** What an installed platform cannot become by another value. */
import type { Manifest } from '@millrace/cdk8s/constructs/manifest.ts';
import type { Candidate } from './check.ts';

interface Claiming {
  replicas?: number;
  volumeClaimTemplates?: { spec: { resources?: { requests?: { storage?: string } }; storageClassName?: string } }[];
}

export async function installed({ wanted, live, kubectl }: Candidate): Promise<string[]> {
  if (live.namespace === 'missing') return [];
  const sets = await kubectl.list<Manifest>('statefulsets');
  const claims = await kubectl.list<Manifest>('persistentvolumeclaims');
  return installedProblems(
    wanted.objects,
    sets,
    claims.map(({ metadata: { name } }) => name),
  );
}

/** Pure. @param sets StatefulSets that are there @param claims names of the volume claims that are there */
export function installedProblems(objects: readonly Manifest[], sets: readonly Manifest[], claims: readonly string[]): string[] {
  return objects.flatMap((object) => {
    if (object.kind !== 'StatefulSet') return [];
    const { name } = object.metadata;
    const now = object.spec as Claiming;
    const problems: string[] = [];
    // Volumes outlive their StatefulSet, and remember the quorum as well.
    const nodes = claims.filter((claim) => new RegExp(`^data-${name}-\\d+$`).test(claim)).length;
    if (name === 'kafka' && nodes > 0 && nodes !== now.replicas)
      problems.push(
        `kafka.nodes is ${now.replicas}, and the Kafka whose volumes are there has ${nodes}: the number of nodes of an installed Kafka cannot be changed. Set it back, or remove it with its data (make undeploy PURGE=1)`,
      );
    const before = sets.find(({ metadata }) => metadata.name === name)?.spec as Claiming | undefined;
    const [was, is] = [sizeOf(before), sizeOf(now)];
    if (was !== undefined && was !== is)
      problems.push(
        `${name} has a volume of ${was}, and ${is} is wanted: a volume of a StatefulSet does not change with a value. docs/runbooks/cluster-stuck.md says how to enlarge it; else set storage.size back to ${was}`,
      );
    return problems;
  });
}

function sizeOf(spec: Claiming | undefined): string | undefined {
  return spec?.volumeClaimTemplates?.[0]?.spec.resources?.requests?.storage;
}
