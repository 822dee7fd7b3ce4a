/**
 * Where Strimzi is installed: the users of its Kafka as its own resources. Its User Operator makes each with a Secret of the
 * user's name, and takes it away with the resource. Fields: https://strimzi.io/docs/operators/latest/configuring.html.
 */
import { permissionsInNamespace } from '@millrace/setup/permissions.ts';
import { ApiObject } from 'cdk8s';
import type { Construct } from 'constructs';
import { labelsOf } from '../constructs/labels.ts';
import { KAFKA, KAFKA_CLIENTS, kafkaSecret } from './names.ts';
import type { Values } from './values.ts';

/** Since Strimzi 0.49; from 1.0 on the only one. */
export const STRIMZI_API = 'kafka.strimzi.io/v1';

/** By which its operators know whose a resource is. */
export const ofCluster = (cluster: string): Record<string, string> => ({ 'strimzi.io/cluster': cluster });

const PATTERNS = { literal: 'literal', prefixed: 'prefix' } as const;

export function strimzi(scope: Construct, { namespace, kafka }: Values): void {
  if (!kafka.strimzi) return;
  const { cluster, authentication, topics } = kafka.strimzi;
  for (const user of KAFKA_CLIENTS)
    new ApiObject(scope, user, {
      apiVersion: STRIMZI_API,
      kind: 'KafkaUser',
      metadata: { name: kafkaSecret(user), labels: { ...labelsOf(KAFKA), ...ofCluster(cluster) } },
      spec: {
        authentication: { type: authentication },
        authorization: {
          type: 'simple',
          acls: permissionsInNamespace(user, namespace, topics ? 'given' : 'made').map(
            ({ resource, name, pattern, operations }) => ({
              resource: { type: resource, name, patternType: PATTERNS[pattern] },
              operations,
            }),
          ),
        },
      },
    });
}
