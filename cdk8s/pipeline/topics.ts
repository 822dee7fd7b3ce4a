/**
 * Topics as KafkaTopics of Strimzi, where the values say so: the Topic Operator makes them, and set-up looks whether they are
 * there. They are what set-up itself would make. Deleting a KafkaTopic deletes the topic with its records.
 */
import type { NewTopic } from '@millrace/core/kafka/kafka.ts';
import { partitionsOf } from '@millrace/core/spec/defaults.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import { wantedTopics } from '@millrace/setup/topics.ts';
import { ApiObject } from 'cdk8s';
import type { Construct } from 'constructs';
import { labelsOf } from '../constructs/labels.ts';
import { ofCluster, STRIMZI_API } from '../platform/strimzi.ts';
import type { Values } from '../platform/values.ts';
import { RenderRefused } from './refused.ts';
import { identityOf, type PipelineContext } from './workloads.ts';

export const topicsAreGiven = ({ kafka: { strimzi } }: Values): boolean => strimzi?.topics === true;

/** @throws RenderRefused where nobody here can know how many partitions there are to be */
export function kafkaTopics(scope: Construct, { pipeline, values }: PipelineContext): void {
  const { strimzi } = values.kafka;
  if (!strimzi?.topics) return;
  const labels = { ...labelsOf(identityOf(pipeline, 'topic')), ...ofCluster(strimzi.cluster) };
  for (const { name, partitions, replicas, config } of topicsOf(pipeline)) {
    // A topic may have a name that no resource may.
    const kind = name.slice(name.lastIndexOf('.') + 1);
    new ApiObject(scope, `topic-${kind}`, {
      apiVersion: STRIMZI_API,
      kind: 'KafkaTopic',
      metadata: { name: `${pipeline.metadata.name}-${kind}`, labels },
      // Without replicas it has as many as the cluster's default.replication.factor says.
      spec: { topicName: name, partitions, ...(replicas === undefined ? {} : { replicas }), config },
    });
  }
}

function topicsOf(pipeline: Pipeline): NewTopic[] {
  const { source, topics } = pipeline.spec;
  if (!source.topic) return wantedTopics(pipeline, null);
  if (topics?.partitions === undefined)
    throw new RenderRefused(
      `${pipeline.metadata.name}: spec.source.topic is ${JSON.stringify(source.topic.name)}, whose number of partitions is not known here. With kafka.strimzi.topics give spec.topics.partitions, as many as it has`,
    );
  return wantedTopics(pipeline, { id: '', partitions: partitionsOf(pipeline) });
}
