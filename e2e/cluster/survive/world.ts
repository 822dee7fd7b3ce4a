/** What faults are done to, and how it is looked at. */
import { pipelineObjects } from '@millrace/cdk8s/pipeline/pipeline.ts';
import type { Values } from '@millrace/cdk8s/platform/values.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import { apply } from '@millrace/deploy/apply.ts';
import type { Kubectl } from '@millrace/deploy/kubectl.ts';
import { lookAt } from '@millrace/deploy/live.ts';
import type { Wanted } from '@millrace/deploy/wanted.ts';
import { PROOF_NAME } from '../../proofFeed.ts';
import { query } from '../rows.ts';
import type { NodeAccess } from './node.ts';
import type { LivePod } from './pods.ts';

export interface WorldOptions {
  kubectl: Kubectl;
  values: Values;
  /** The load. */
  proof: Pipeline;
  /** null: the API server is all that there is. */
  node: NodeAccess | null;
  /** Another name of an image of the roles, to which they are upgraded; null: there is none. */
  otherImage: string | null;
  /** What `make deploy` would bring, with this image. */
  wantedWith(image: string): Promise<Wanted>;
}

export interface World extends WorldOptions {
  pods(): Promise<LivePod[]>;
  /** Records of the load that the sink has stored or refused. */
  written(): Promise<number>;
  /** As a second `make deploy` with this image does it, and the load likewise. */
  deploy(image: string): Promise<void>;
  /** Of the roles, as last deployed. */
  image(): string;
}

export function worldOf(options: WorldOptions): World {
  const { kubectl, values, proof, wantedWith } = options;
  const sql = `select coalesce(sum(next_offset), 0) from millrace.positions where pipeline = '${values.namespace}/${PROOF_NAME}'`;
  let current = values.image;
  return {
    ...options,
    pods: () => kubectl.list<LivePod>('pods'),
    written: async () => Number(await query(kubectl, values, sql)),
    async deploy(image) {
      await apply(await wantedWith(image), await lookAt(kubectl), kubectl);
      await kubectl.apply(pipelineObjects(proof, { ...values, image }));
      current = image;
    },
    image: () => current,
  };
}
