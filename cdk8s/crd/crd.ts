/** The definition of the Pipeline resource for the API server, from the one zod schema. It belongs to no namespace. */
import { pipelineSpec } from '@millrace/core/spec/pipeline.ts';
import { pipelineStatus } from '@millrace/core/spec/status.ts';
import type { Manifest } from '../constructs/manifest.ts';
import type { Values } from '../platform/values.ts';
import { rulesAt, structural } from './structural.ts';

const GROUP = 'millrace.dev';
const PLURAL = 'pipelines';

/** The definition where the values want it; nothing where somebody else brings it. Pure. */
export function crdObjects({ crd }: Values): Manifest[] {
  return crd.install ? [definition()] : [];
}

function definition(): Manifest {
  const text = { type: 'string' };
  const schema = {
    description: 'A sensor feed, from where it comes to its table and roll-ups',
    type: 'object',
    required: ['spec'],
    properties: {
      apiVersion: text,
      kind: text,
      metadata: { type: 'object' },
      spec: structural(pipelineSpec, ['spec']),
      status: structural(pipelineStatus, ['status']),
    },
    ...rulesAt([]),
  };
  const manifest = {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: {
      name: `${PLURAL}.${GROUP}`,
      labels: { 'app.kubernetes.io/part-of': 'millrace' },
      // Deleting it deletes every Pipeline of the cluster.
      annotations: { 'helm.sh/resource-policy': 'keep' },
    },
    spec: {
      group: GROUP,
      names: { kind: 'Pipeline', listKind: 'PipelineList', plural: PLURAL, singular: 'pipeline', shortNames: ['pl'] },
      scope: 'Namespaced',
      versions: [
        {
          name: 'v1alpha1',
          served: true,
          storage: true,
          schema: { openAPIV3Schema: schema },
          subresources: {
            status: {},
            scale: { specReplicasPath: '.spec.scale.replicas', statusReplicasPath: '.status.replicas' },
          },
          additionalPrinterColumns: COLUMNS,
        },
      ],
    },
  };
  // Members that are undefined are none.
  return JSON.parse(JSON.stringify(manifest));
}

const COLUMNS = [
  { name: 'Phase', type: 'string', jsonPath: '.status.phase' },
  { name: 'Ready', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
  { name: 'Lag', type: 'number', jsonPath: '.status.lag.seconds', description: 'Seconds' },
  { name: 'Rows', type: 'integer', jsonPath: '.status.rows' },
  { name: 'Newest', type: 'date', jsonPath: '.status.newestRow' },
  { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
];
