/** From the options to the cluster that is meant and what shall be in it; asks nothing of the cluster yet. */
import type { Cluster, Tools } from './clusters/cluster.ts';
import { findCluster } from './clusters/find.ts';
import { type Kubectl, kubectlOf } from './kubectl.ts';
import type { Options } from './options.ts';
import { type Wanted, wantedBy } from './wanted.ts';
import type { Where } from './where.ts';

export interface Target {
  where: Where;
  cluster: Cluster;
  kubectl: Kubectl;
  say(line: string): void;
}

/** For what changes or looks at what is there. @throws Refused */
export async function targetOf(options: Options, tools: Tools): Promise<Target> {
  const { where, cluster } = await findCluster(options, tools);
  return { where, cluster, kubectl: kubectlOf(cluster.kubectl, process.env, options.namespace ?? 'feeds'), say: tools.say };
}

/** For a deploy. @throws Refused, SpecError with all that is wrong with values and Pipelines */
export async function deployTarget(options: Options, tools: Tools): Promise<{ target: Target; wanted: Wanted }> {
  const { where, cluster } = await findCluster(options, tools);
  const wanted = await wantedBy(options, cluster, tools.root);
  return {
    target: { where, cluster, kubectl: kubectlOf(cluster.kubectl, process.env, wanted.values.namespace), say: tools.say },
    wanted,
  };
}
