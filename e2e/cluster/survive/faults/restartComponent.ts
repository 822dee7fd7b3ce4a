import { until } from '../../../faults/until.ts';
import type { Fault } from '../fault.ts';
import type { NodeAccess } from '../node.ts';
import { LOOK_EVERY_MS, WITHIN_MS } from '../times.ts';

type Component = Parameters<NodeAccess['restart']>[0];

/** A part of Kubernetes itself ends and starts again while the roles run. */
export const restartComponent = (component: Component, how: 'SIGTERM' | 'SIGKILL', node: NodeAccess | null): Fault => ({
  name: `restart ${component} by ${how}`,
  kind: `restart ${component}`,
  lacks: node === null ? 'a way onto the node' : null,
  async happen({ kubectl, pods }) {
    const shown = async (): Promise<string[]> =>
      (await pods()).map(({ metadata, status }) => `${metadata.uid} ${status.containerStatuses?.[0]?.restartCount}`).toSorted();
    const before = await shown();
    await node?.restart(component, how);
    const isBack = async (): Promise<boolean> => {
      await kubectl.run('get', '--raw', '/readyz');
      const [one] = await kubectl.list<{ status: { conditions: { type: string; status: string }[] } }>('nodes');
      return one?.status.conditions.some(({ type, status }) => type === 'Ready' && status === 'True') === true;
    };
    await until(`${component} is back`, WITHIN_MS, isBack, LOOK_EVERY_MS);
    const changed = (await shown()).filter((line) => !before.includes(line)).length;
    return changed === 0 ? 'no pod was started again' : `${changed} pods were started again`;
  },
});
