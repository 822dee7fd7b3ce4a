/**
 * Everything one Pipeline needs in a cluster, from the Pipeline and the platform's values. Pure: `millrace render`, the
 * chart and the operator, which calls this in process, give the same objects for the same input.
 */
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import { checksumOf } from '../constructs/checksum.ts';
import { configMap } from '../constructs/config.ts';
import { type Manifest, synthesise } from '../constructs/manifest.ts';
import type { Values } from '../platform/values.ts';
import { dashboardConfig } from './dashboard.ts';
import { httpService } from './http.ts';
import { withBroker } from './mqtt.ts';
import { RenderRefused } from './refused.ts';
import { rules } from './rules.ts';
import { autoscaler } from './scaling.ts';
import { kafkaTopics } from './topics.ts';
import { identityOf, type PipelineContext, role, setupJob } from './workloads.ts';

/**
 * In the order in which they are applied.
 * @throws RenderRefused where it names another namespace than the platform's, or a file or broker that no pod would find
 */
export function pipelineObjects(pipeline: Pipeline, values: Values): Manifest[] {
  const placed = withBroker(inNamespace(pipeline, values.namespace), values);
  const { status: _, ...resource } = placed;
  const data = { 'pipeline.yaml': `${JSON.stringify(resource, null, 2)}\n` };
  const config = { name: `${placed.metadata.name}-pipeline`, checksum: checksumOf(data) };
  const context: PipelineContext = { pipeline: placed, values, config };
  return synthesise(values.namespace, (chart) => {
    configMap(chart, 'pipeline', config.name, identityOf(placed, 'pipeline'), data);
    kafkaTopics(chart, context);
    setupJob(chart, context);
    for (const name of ['producer', 'processor', 'sink'] as const) role(chart, name, context);
    for (const name of ['processor', 'sink'] as const) autoscaler(chart, name, context);
    httpService(chart, context);
    rules(chart, context);
    dashboardConfig(chart, context);
  });
}

/** Names of topics and tables carry the namespace, so it is written down and not left to where the file is applied. */
function inNamespace(pipeline: Pipeline, namespace: string): Pipeline {
  const { namespace: own = namespace, name } = pipeline.metadata;
  if (own !== namespace)
    throw new RenderRefused(
      `${name}: metadata.namespace is ${own}; Secrets of Kafka and the database are in ${namespace} only. Leave it out, or set the platform's namespace to ${own}`,
    );
  return { ...pipeline, metadata: { ...pipeline.metadata, namespace } };
}
