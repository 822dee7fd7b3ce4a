/** Finds the cluster that is meant: a kind of cluster is one file beside this one, and one line here. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { CommandFailed } from '../command.ts';
import type { Options } from '../options.ts';
import { Refused } from '../refused.ts';
import { type Kubeconfig, type Where, whereIs } from '../where.ts';
import { type Cluster, QUESTION_MS, type Tools } from './cluster.ts';
import { kindCluster } from './kind.ts';
import { kubelabCluster } from './kubelab.ts';
import { minikubeCluster } from './minikube.ts';
import { otherCluster } from './other.ts';

export interface Found {
  where: Where;
  cluster: Cluster;
}

/** @throws Refused where there is none */
export async function findCluster(options: Options, tools: Tools): Promise<Found> {
  if (options.kubelab !== null && !existsSync(join(options.kubelab, 'kubelab')))
    throw new Refused([`KUBELAB is ${options.kubelab}, where no program kubelab is`]);
  const beside = [join(tools.root, '../shared/kubelab'), join(tools.root, '../../shared/kubelab')].find((folder) =>
    existsSync(join(folder, 'kubelab')),
  );
  const where = whereIs(options, options.kubelab === null ? await kubeconfigOf(tools) : null, beside ?? null);
  return { where, cluster: clusterAt(where, options, tools) };
}

function clusterAt(where: Where, { registry }: Options, tools: Tools): Cluster {
  switch (where.kind) {
    case 'kubelab':
      return kubelabCluster(where, tools);
    case 'kind':
      return kindCluster(where, tools);
    case 'minikube':
      return minikubeCluster(where, tools);
    case 'other':
      return otherCluster({ ...where, registry }, tools);
  }
}

/** null where there is no kubectl: kubelab has its own. @throws Refused where the kubeconfig cannot be read */
async function kubeconfigOf({ run }: Tools): Promise<Kubeconfig | null> {
  try {
    return JSON.parse(await run(['kubectl', 'config', 'view', '--output=json'], { withinMs: QUESTION_MS }));
  } catch (error) {
    if (!(error instanceof CommandFailed)) throw error;
    if (error.missing) return null;
    throw new Refused([`the kubeconfig cannot be read: ${error.stderr}`]);
  }
}
