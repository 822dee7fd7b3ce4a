/** Brings the platform and Pipelines into a cluster: the same objects as `millrace render`, the same ones again change nothing. */
import type { Manifest } from '@millrace/cdk8s/constructs/manifest.ts';
import { pipelineObjects } from '@millrace/cdk8s/pipeline/pipeline.ts';
import { namespaceObject, platformObjects } from '@millrace/cdk8s/platform/platform.ts';
import type { Values } from '@millrace/cdk8s/platform/values.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import type { Kubectl } from './kubectl.ts';

interface Job {
  metadata: { name: string };
  status: { conditions?: { type: string; status: string }[] };
}

/** @returns the warnings of the API server: none, if all is well */
export async function applyPlatform(values: Values, kubectl: Kubectl): Promise<string[]> {
  const warnings = await kubectl.apply([namespaceObject(values)]);
  await removeFailedJobs(kubectl);
  return [...warnings, ...(await kubectl.apply(platformObjects(values)))];
}

export async function applyPipeline(pipeline: Pipeline, values: Values, kubectl: Kubectl): Promise<string[]> {
  return kubectl.apply(pipelineObjects(pipeline, values));
}

/** A file for a replay, as the ConfigMap that its Pipeline names. */
export function fileConfigMap(name: string, file: string, content: string): Manifest {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { [file]: content } };
}

/** A Job that failed stays failed, and the same one is not made beside it. */
async function removeFailedJobs(kubectl: Kubectl): Promise<void> {
  const jobs = await kubectl.list<Job>('jobs');
  const failed = jobs.filter(({ status }) =>
    status.conditions?.some(({ type, status: is }) => type === 'Failed' && is === 'True'),
  );
  for (const { metadata } of failed) await kubectl.run('delete', 'job', metadata.name);
}
