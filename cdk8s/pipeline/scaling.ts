/**
 * How many pods processor and sink have: a number, or as many as keep lag under `spec.scale.lagSeconds`. Never more than
 * there are partitions. Where an autoscaler decides, no object of ours names a number.
 */
import { DEFAULT_LAG_SECONDS, partitionsOf } from '@millrace/core/spec/defaults.ts';
import { namesOf } from '@millrace/core/spec/names.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import { ApiObject } from 'cdk8s';
import type { Construct } from 'constructs';
import { labelsOf } from '../constructs/labels.ts';
import { prometheusUrl } from '../platform/prometheusPeer.ts';
import type { Values } from '../platform/values.ts';
import { RenderRefused } from './refused.ts';
import { identityOf, type PipelineContext } from './workloads.ts';

export type Scaled = 'processor' | 'sink';

export interface Bounds {
  min: number;
  max: number;
  /** That lag is to stay under. */
  lagSeconds: number;
}

/** A number of pods, or the bounds of an autoscaler. @throws RenderRefused where the one that is chosen cannot do it */
export function scaleOf(pipeline: Pipeline, { autoscaling, prometheus }: Values): number | Bounds {
  const { replicas, min = 1, max, lagSeconds = DEFAULT_LAG_SECONDS } = pipeline.spec.scale ?? {};
  const partitions = partitionsOf(pipeline);
  if (replicas !== undefined) return Math.min(replicas, partitions);
  if (autoscaling.by === 'none') return Math.min(min, partitions);
  const { name } = pipeline.metadata;
  if (min === 0)
    throw new RenderRefused(
      `${name}: spec.scale.min is 0, and lag is measured by the pods themselves: without one nobody would see that there is work. Set it to 1, or spec.scale.replicas to 0 to stop processor and sink`,
    );
  if (!prometheus.enabled)
    throw new RenderRefused(
      `${name}: autoscaling.by is ${autoscaling.by}, which asks a Prometheus for lag; prometheus.enabled is false. Switch it on, or set autoscaling.by to none`,
    );
  if (autoscaling.by === 'hpa' && prometheus.operator === undefined && prometheus.discovery === 'dns')
    throw new RenderRefused(
      `${name}: autoscaling.by is hpa, which asks for the lag of pods by their names; prometheus.discovery is dns, which knows addresses only. Set it to pods, or autoscaling.by to keda`,
    );
  return { min: Math.min(min, partitions), max: Math.min(max ?? partitions, partitions), lagSeconds };
}

/** What a Pipeline asks for that these values do not do; for people. */
export function scaleNote(pipeline: Pipeline, { autoscaling }: Values): string | null {
  const { replicas, min = 1, max, lagSeconds } = pipeline.spec.scale ?? {};
  const idle = Object.entries({ max, lagSeconds }).flatMap(([name, value]) => (value === undefined ? [] : `spec.scale.${name}`));
  if (idle.length === 0) return null;
  const { name } = pipeline.metadata;
  if (replicas !== undefined) return `${name}: ${idle.join(' and ')} have no effect, since spec.scale.replicas is ${replicas}`;
  if (autoscaling.by !== 'none') return null;
  return `${name}: ${idle.join(' and ')} have no effect without an autoscaler: processor and sink have ${min} ${min === 1 ? 'pod' : 'pods'}. Set the platform's value autoscaling.by to keda or hpa, or spec.scale.replicas`;
}

/** One pod less a minute, after five quiet ones: each change makes the partitions move. */
const BEHAVIOR = {
  scaleUp: { stabilizationWindowSeconds: 30, policies: [{ type: 'Percent', value: 100, periodSeconds: 60 }] },
  scaleDown: { stabilizationWindowSeconds: 300, policies: [{ type: 'Pods', value: 1, periodSeconds: 60 }] },
};

/** The object that scales a role, where an autoscaler does. */
export function autoscaler(scope: Construct, role: Scaled, { pipeline, values }: PipelineContext): void {
  const scale = scaleOf(pipeline, values);
  if (typeof scale === 'number') return;
  const name = `${pipeline.metadata.name}-${role}`;
  const metadata = { name, labels: labelsOf(identityOf(pipeline, role)) };
  const metric = `millrace_${role}_lag_seconds`;
  const target = { apiVersion: 'apps/v1', kind: 'Deployment', name };
  if (values.autoscaling.by === 'keda')
    new ApiObject(scope, `${role}-autoscaler`, {
      apiVersion: 'keda.sh/v1alpha1',
      kind: 'ScaledObject',
      metadata,
      // https://keda.sh/docs/latest/reference/scaledobject-spec/ and …/scalers/prometheus/
      spec: {
        scaleTargetRef: target,
        minReplicaCount: scale.min,
        maxReplicaCount: scale.max,
        advanced: { horizontalPodAutoscalerConfig: { behavior: BEHAVIOR } },
        triggers: [
          {
            type: 'prometheus',
            // In proportion to the pods that there are: twice the lag that is allowed, twice the pods.
            metricType: 'Value',
            metadata: {
              serverAddress: prometheusUrl(values),
              query: `max(${metric}{pipeline="${namesOf(pipeline).pipeline}"})`,
              threshold: String(scale.lagSeconds),
              // Unknown lag is no lag of 0: it holds still.
              ignoreNullValues: 'false',
            },
          },
        ],
      },
    });
  else
    new ApiObject(scope, `${role}-autoscaler`, {
      apiVersion: 'autoscaling/v2',
      kind: 'HorizontalPodAutoscaler',
      metadata,
      spec: {
        scaleTargetRef: target,
        minReplicas: scale.min,
        maxReplicas: scale.max,
        // By an adapter that shows Prometheus' series of a pod as its metrics (custom.metrics.k8s.io).
        metrics: [
          {
            type: 'Pods',
            pods: { metric: { name: metric }, target: { type: 'AverageValue', averageValue: String(scale.lagSeconds) } },
          },
        ],
        behavior: BEHAVIOR,
      },
    });
}
