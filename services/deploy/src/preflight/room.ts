/** Whether the pods find room: on the nodes, and under the quotas of the namespace. */
import { type Amounts, amountOf, askedBy, cores, mebibytes, type PodSpec, plus } from '../amounts.ts';
import { CommandFailed } from '../command.ts';
import { keyOf } from '../inventory.ts';
import { type Candidate, type Workload, workloadsOf } from './check.ts';

const NOTHING: Amounts = { cpu: 0, memory: 0 };

export interface Node {
  metadata: { name: string };
  spec: { unschedulable?: boolean; taints?: { effect: string }[] };
  status: { allocatable: Record<string, string> };
}
export interface Pod {
  metadata: { namespace: string; labels?: Record<string, string> };
  spec: PodSpec & { nodeName?: string };
  status: { phase: string };
}
export interface Quota {
  metadata: { name: string };
  spec?: { hard?: Record<string, string> };
  status?: { used?: Record<string, string> };
}

export async function room({ wanted, live, kubectl, say }: Candidate): Promise<string[]> {
  const former = new Set((live.inventory?.objects ?? []).map(keyOf));
  // A Job of a former deploy has had its room.
  const workloads = workloadsOf(wanted.objects).filter(
    ({ kind, name }) => kind !== 'Job' || !former.has(keyOf({ apiVersion: 'batch/v1', kind, name })),
  );
  const ours = ({ metadata: { namespace, labels } }: Pod): boolean =>
    namespace === kubectl.namespace && labels?.['app.kubernetes.io/part-of'] === 'millrace';
  const problems: string[] = [];
  try {
    const [nodes, pods] = [await kubectl.list<Node>('nodes'), await kubectl.list<Pod>('pods', '--all-namespaces')];
    problems.push(
      ...nodeProblems(
        workloads,
        nodes,
        pods.filter((pod) => !ours(pod)),
      ),
    );
  } catch (error) {
    if (!(error instanceof CommandFailed && error.stderr.includes('(Forbidden)'))) throw error;
    say('not checked: whether the pods fit on the nodes, which you may not list');
  }
  if (live.namespace === 'missing') return problems;
  const quotas = await kubectl.list<Quota>('resourcequotas');
  if (quotas.length === 0) return problems;
  return [...problems, ...quotaProblems(workloads, quotas, (await kubectl.list<Pod>('pods')).filter(ours))];
}

const running = ({ status: { phase } }: Pod): boolean => phase !== 'Succeeded' && phase !== 'Failed';

/** @param others pods that are not of this deploy. Pure. */
export function nodeProblems(workloads: readonly Workload[], nodes: readonly Node[], others: readonly Pod[]): string[] {
  const free = nodes
    .filter(
      ({ spec }) => !spec.unschedulable && !spec.taints?.some(({ effect }) => effect === 'NoSchedule' || effect === 'NoExecute'),
    )
    .map(({ metadata: { name }, status: { allocatable } }) => {
      const taken = others.filter((pod) => running(pod) && pod.spec.nodeName === name).map(({ spec }) => askedBy(spec));
      const all = { cpu: amountOf(allocatable.cpu ?? '0'), memory: amountOf(allocatable.memory ?? '0') };
      return taken.reduce((left, one) => plus(left, one, -1), all);
    });
  if (free.length === 0) return ['no node of the cluster takes pods: all are cordoned or tainted'];
  const asked = sumOf(workloads);
  const left = free.reduce((sum, one) => plus(sum, one), NOTHING);
  const most = { cpu: Math.max(...free.map(({ cpu }) => cpu)), memory: Math.max(...free.map(({ memory }) => memory)) };
  const kinds = [
    { what: 'memory', of: ({ memory }: Amounts) => memory, text: mebibytes },
    { what: 'CPU', of: ({ cpu }: Amounts) => cpu, text: cores },
  ];
  return kinds.flatMap(({ what, of, text }) => {
    const large = workloads.filter(({ pod }) => of(askedBy(pod)) > of(most));
    if (large.length > 0)
      return large.map(
        ({ name, pod }) =>
          `${name} asks for ${text(of(askedBy(pod)))} of ${what}, and the node with the most has ${text(of(most))} left: lower its request, or add a larger node`,
      );
    return of(asked) > of(left)
      ? [
          `the pods ask for ${text(of(asked))} of ${what} together, and the nodes have ${text(of(left))} left: lower requests (the most: ${largest(workloads, of, text)}), or add a node`,
        ]
      : [];
  });
}

/** @param own pods of this deploy, whose part of the quota is free for it. Pure. */
export function quotaProblems(workloads: readonly Workload[], quotas: readonly Quota[], own: readonly Pod[]): string[] {
  return quotas.flatMap(({ metadata: { name }, spec, status }) =>
    Object.entries(spec?.hard ?? {}).flatMap(([resource, hard]) => {
      const of = QUOTAS[resource];
      if (!of) return [];
      const ours = own.filter(running).reduce((sum, { spec }) => sum + of.amount(spec), 0);
      const others = Math.max(0, amountOf(status?.used?.[resource] ?? '0') - ours);
      const asked = workloads.reduce((sum, { pod, replicas }) => sum + of.amount(pod) * replicas, 0);
      return asked + others > amountOf(hard)
        ? [
            `the quota ${name} allows ${of.text(amountOf(hard))} of ${resource}${others > 0 ? `, of which others use ${of.text(others)}` : ''}; the pods ask for ${of.text(asked)}`,
          ]
        : [];
    }),
  );
}

const QUOTAS: Readonly<Record<string, { amount(pod: PodSpec): number; text(amount: number): string }>> = {
  pods: { amount: () => 1, text: String },
  ...Object.fromEntries(
    (['requests', 'limits'] as const).flatMap((what) => [
      [`${what}.cpu`, { amount: (pod: PodSpec) => askedBy(pod, what).cpu, text: cores }],
      [`${what}.memory`, { amount: (pod: PodSpec) => askedBy(pod, what).memory, text: mebibytes }],
    ]),
  ),
  cpu: { amount: (pod) => askedBy(pod).cpu, text: cores },
  memory: { amount: (pod) => askedBy(pod).memory, text: mebibytes },
};

function sumOf(workloads: readonly Workload[]): Amounts {
  return workloads.reduce((sum, { pod, replicas }) => plus(sum, askedBy(pod), replicas), NOTHING);
}

function largest(workloads: readonly Workload[], of: (amounts: Amounts) => number, text: (amount: number) => string): string {
  return workloads
    .toSorted((a, b) => of(askedBy(b.pod)) - of(askedBy(a.pod)))
    .slice(0, 3)
    .map(({ name, pod }) => `${name} ${text(of(askedBy(pod)))}`)
    .join(', ');
}
