import { CommandFailed } from '@millrace/deploy/command.ts';
import type { Kubectl } from '@millrace/deploy/kubectl.ts';
import { until } from '../../../faults/until.ts';
import type { Fault } from '../fault.ts';
import { type LivePod, services, workloadOf } from '../pods.ts';
import { LOOK_EVERY_MS, WITHIN_MS } from '../times.ts';

/**
 * Evicts every pod, as `kubectl drain` does: all at once; whom a budget protects is refused (429) while another of its
 * workload is away, and asked again until it may go.
 */
export const drain: Fault = {
  name: 'evict every pod',
  kind: 'evict',
  lacks: null,
  async happen({ kubectl, pods }, random) {
    const budgets = await kubectl.list<{ spec: { selector: { matchLabels: Record<string, string> } } }>('poddisruptionbudgets');
    const all = services(await pods());
    // Pods of one workload directly after each other: the second is asked for while the first is away.
    const byWorkload = random
      .shuffle([...new Set(all.map(workloadOf))])
      .map((name) => all.filter((pod) => workloadOf(pod) === name));
    let refusals = 0;
    const refused: LivePod[] = [];
    for (const some of byWorkload) {
      const answers: boolean[] = [];
      for (const pod of some) answers.push(await evict(kubectl, pod));
      refused.push(...some.filter((_, at) => !answers[at]));
      const protects = budgets.some(({ spec }) =>
        Object.entries(spec.selector.matchLabels).every(([key, value]) => some[0]?.metadata.labels[key] === value),
      );
      const wanted = some.map((_, at) => !protects || at === 0);
      if (answers.join() !== wanted.join())
        throw new Error(
          `${some.length} pods of ${workloadOf(some[0] as LivePod)} ${protects ? 'with a' : 'without'} budget were evicted one after the other: ${answers.map((is) => (is ? 'let go' : 'refused')).join(', ')}`,
        );
      refusals += answers.filter((is) => !is).length;
    }
    if (refusals === 0) throw new Error('no eviction was refused: no budget protects anything');
    for (const pod of refused)
      await until(`${pod.metadata.name} may be evicted`, WITHIN_MS, () => evict(kubectl, pod), LOOK_EVERY_MS);
    const uids = new Set(all.map(({ metadata }) => metadata.uid));
    const areGone = async (): Promise<boolean> => !(await pods()).some(({ metadata }) => uids.has(metadata.uid));
    await until('all evicted pods are gone', WITHIN_MS, areGone, LOOK_EVERY_MS);
    return `${all.length} pods evicted, ${refusals} refused at first by a budget`;
  },
};

/** Whether it was let go. @throws CommandFailed where the answer is neither that nor a budget */
async function evict(kubectl: Kubectl, { metadata: { name } }: LivePod): Promise<boolean> {
  const path = `/api/v1/namespaces/${kubectl.namespace}/pods/${name}/eviction`;
  const body = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace: kubectl.namespace } };
  try {
    await kubectl.feed(JSON.stringify(body), 'create', '--raw', path, '--filename=-');
    return true;
  } catch (error) {
    if (error instanceof CommandFailed && error.stderr.includes('disruption budget')) return false;
    throw error;
  }
}
