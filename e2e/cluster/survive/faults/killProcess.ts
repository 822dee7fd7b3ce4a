import { until } from '../../../faults/until.ts';
import type { Fault } from '../fault.ts';
import type { NodeAccess } from '../node.ts';
import { containerOf, podOf, type Target } from '../pods.ts';
import { LOOK_EVERY_MS, WITHIN_MS } from '../times.ts';

/** SIGKILL of all processes in a container: nothing is flushed, no lock is given back; the kubelet starts it again in the same pod. */
export const killProcess = (target: Target, node: NodeAccess | null): Fault => ({
  name: `kill the processes of ${target.pod ?? target.workload}`,
  kind: `kill ${target.pod ?? 'a role'}`,
  lacks: node === null ? 'a way onto the node' : null,
  async happen({ pods }) {
    const before = podOf(target, await pods());
    const { id, restarts } = containerOf(before);
    await node?.killContainer(id);
    const isAnother = async (): Promise<boolean> => {
      const now = (await pods()).find(({ metadata }) => metadata.uid === before.metadata.uid);
      return now !== undefined && containerOf(now).restarts > restarts;
    };
    await until(`${before.metadata.name} is started again`, WITHIN_MS, isAnother, LOOK_EVERY_MS);
    return `killed in ${before.metadata.name}`;
  },
});
