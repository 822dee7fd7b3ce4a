/** The pods of services as faults see them: which there are, which one a fault means, and whether all are as they should be. Pure. */
import type { PodSpec } from '@millrace/deploy/amounts.ts';
import { type Pod, stateOf } from '@millrace/deploy/pods.ts';

export type LivePod = Omit<Pod, 'metadata'> & {
  metadata: Pod['metadata'] & {
    uid: string;
    creationTimestamp: string;
    ownerReferences?: { kind: string; name: string }[];
    labels: Record<string, string>;
  };
  spec: { containers: (PodSpec['containers'][number] & { image: string })[] };
  status: Pod['status'] & { containerStatuses?: { containerID?: string }[] };
};

export interface Workload {
  metadata: { name: string };
  spec: { replicas?: number };
}

/** One pod of a workload: of a StatefulSet by its name, which stays; else the oldest of its Deployment, whose names change. */
export interface Target {
  workload: string;
  pod: string | null;
}

const ownerOf = ({ metadata }: LivePod): string => metadata.ownerReferences?.[0]?.kind ?? '';

/** The Deployment or StatefulSet: `proof-sink`, `kafka`. A ReplicaSet's name is its Deployment's and a hash. */
export function workloadOf({ metadata }: LivePod): string {
  const { kind, name } = metadata.ownerReferences?.[0] ?? { kind: 'Pod', name: metadata.name };
  return kind === 'ReplicaSet' ? name.slice(0, name.lastIndexOf('-')) : name;
}

/** Not those of Jobs: they run to their end. */
export function services(pods: readonly LivePod[]): LivePod[] {
  return pods.filter((pod) => ['ReplicaSet', 'StatefulSet'].includes(ownerOf(pod)));
}

/** Of Jobs that have not ended. */
export function aliveJobs(pods: readonly LivePod[]): LivePod[] {
  return pods.filter((pod) => ownerOf(pod) === 'Job' && ['Pending', 'Running'].includes(pod.status.phase));
}

/** Each pod of every service once. */
export function targetsOf(pods: readonly LivePod[]): Target[] {
  return services(pods).map((pod) => ({
    workload: workloadOf(pod),
    pod: ownerOf(pod) === 'StatefulSet' ? pod.metadata.name : null,
  }));
}

/** @throws Error where there is none that could be attacked: a fault that did not happen proves nothing */
export function podOf({ workload, pod }: Target, pods: readonly LivePod[]): LivePod {
  const [found] = services(pods)
    .filter((one) => (pod === null ? workloadOf(one) === workload : one.metadata.name === pod))
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    .toSorted((a, b) => (a.metadata.creationTimestamp < b.metadata.creationTimestamp ? -1 : 1));
  if (!found) throw new Error(`there is no pod ${pod ?? `of ${workload}`}`);
  return found;
}

const countsOf = (pods: readonly LivePod[]): Map<string, number> => {
  const counts = new Map<string, number>();
  for (const pod of services(pods)) counts.set(workloadOf(pod), (counts.get(workloadOf(pod)) ?? 0) + 1);
  return counts;
};

/** How many pods each workload shall have, as Deployments and StatefulSets say it. */
export function wantedOf(workloads: readonly Workload[]): Map<string, number> {
  return new Map(workloads.map(({ metadata, spec }) => [metadata.name, spec.replicas ?? 1]));
}

/** What is missing until each service has so many pods as it should, all ready and none on its way out; '' when nothing is. */
export function missingOf(pods: readonly LivePod[], wanted: ReadonlyMap<string, number>): string {
  const there = countsOf(pods);
  const lines: string[] = [];
  for (const [workload, count] of wanted)
    if (there.get(workload) !== count) lines.push(`${there.get(workload) ?? 0} of ${count} pods of ${workload}`);
  for (const pod of services(pods)) {
    const { name, deletionTimestamp } = pod.metadata;
    const { done, reason } = stateOf(pod);
    if (deletionTimestamp !== undefined) lines.push(`${name} (on its way out)`);
    else if (!done) lines.push(`${name} (${reason})`);
  }
  return lines.join('; ');
}

/** Of the container that runs, without the name of the runtime. @throws Error where none runs */
export function containerOf({ metadata, status }: LivePod): { id: string; restarts: number } {
  const [container] = status.containerStatuses ?? [];
  const id = container?.containerID?.split('//')[1];
  if (!container || !id) throw new Error(`no container runs in the pod ${metadata.name}`);
  return { id, restarts: container.restartCount };
}
