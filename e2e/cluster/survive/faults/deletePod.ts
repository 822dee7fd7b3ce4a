import { until } from '../../../faults/until.ts';
import type { Fault } from '../fault.ts';
import { podOf, type Target } from '../pods.ts';
import { LOOK_EVERY_MS, WITHIN_MS } from '../times.ts';

/** `kubectl delete pod`, in order, as a person does it: never forced, since two servers would share one volume then. */
export const deletePod = (target: Target): Fault => ({
  name: `delete pod ${target.pod ?? `of ${target.workload}`}`,
  kind: `delete ${target.pod ?? 'a role'}`,
  lacks: null,
  async happen({ kubectl, pods }) {
    const { name, uid } = podOf(target, await pods()).metadata;
    await kubectl.run('delete', 'pod', name, '--wait=false');
    const isGone = async (): Promise<boolean> => !(await pods()).some(({ metadata }) => metadata.uid === uid);
    await until(`the pod ${name} is gone`, WITHIN_MS, isGone, LOOK_EVERY_MS);
    return `${name} is gone`;
  },
});
