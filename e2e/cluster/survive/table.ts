/** The faults, one line for each kind. A new kind is one file in `faults/` and one line here. */
import type { Fault } from './fault.ts';
import { changeImage } from './faults/changeImage.ts';
import { deletePod } from './faults/deletePod.ts';
import { drain } from './faults/drain.ts';
import { killBackend } from './faults/killBackend.ts';
import { killProcess } from './faults/killProcess.ts';
import { restartComponent } from './faults/restartComponent.ts';
import type { NodeAccess } from './node.ts';
import { type LivePod, targetsOf } from './pods.ts';

/** Whose processes are killed: those that hold data, and one of each role. */
const KILLED = ['kafka', 'database', 'proof-producer', 'proof-processor', 'proof-sink'];

/** What is done in one round, to these pods. The image changes twice: there and back. */
export function faultsOf(pods: readonly LivePod[], node: NodeAccess | null, otherImage: string | null): Fault[] {
  const targets = targetsOf(pods);
  const killed = targets.filter(
    ({ workload, pod }, at) =>
      KILLED.includes(workload) && (pod !== null || targets.findIndex((one) => one.workload === workload) === at),
  );
  const change: Fault = otherImage === null ? { ...changeImage, lacks: 'another image (UPGRADE_IMAGE)' } : changeImage;
  return [
    ...targets.map(deletePod),
    drain,
    ...killed.map((target) => killProcess(target, node)),
    killBackend,
    change,
    { ...change, kind: 'roll back' },
    restartComponent('kube-apiserver', 'SIGKILL', node),
    restartComponent('kubelet', 'SIGTERM', node),
    restartComponent('containerd', 'SIGTERM', node),
  ];
}
