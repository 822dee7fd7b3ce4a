/** The three roles of a Pipeline and its set-up: what each of them needs, and nothing more. */
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import { needsRegistry } from '@millrace/registry/registry.ts';
import type { Construct } from 'constructs';
import { checksumOf } from '../constructs/checksum.ts';
import type { Identity } from '../constructs/labels.ts';
import { configMount } from '../constructs/mounts.ts';
import type { Flow } from '../constructs/networkPolicy.ts';
import type { Resources } from '../constructs/pod.ts';
import { httpProbes } from '../constructs/probes.ts';
import { service } from '../constructs/service.ts';
import {
  DeploymentWorkload,
  JobWorkload,
  type ServiceProps,
  StatefulSetWorkload,
  type WorkloadProps,
} from '../constructs/workload.ts';
import { MILLRACE_USER } from '../platform/images.ts';
import { METRICS_PORT } from '../platform/names.ts';
import { SCRAPED } from '../platform/prometheus.ts';
import { prometheusPeers } from '../platform/prometheusPeer.ts';
import type { Values } from '../platform/values.ts';
import { type Connection, databaseConnection, kafkaConnection, together } from './connections.ts';
import { listeningOf } from './http.ts';
import { inputOf } from './input.ts';
import { bridgingOf } from './mqtt.ts';
import { scaleOf } from './scaling.ts';
import { topicsAreGiven } from './topics.ts';

type RoleName = 'producer' | 'processor' | 'sink';

const FOLDER = '/etc/millrace/pipeline';
const FILE = `${FOLDER}/pipeline.yaml`;
/** Covers the longest flush. */
const GRACE_SECONDS = 60;
const SETUP_WAIT = '10m';
const SETUP_SECONDS = 660;
const DAY_SECONDS = 86_400;

export interface PipelineContext {
  pipeline: Pipeline;
  values: Values;
  /** The ConfigMap with the Pipeline, and its content's checksum. */
  config: { name: string; checksum: string };
}

const CONNECTIONS: Record<RoleName, (values: Values, pipeline: Pipeline) => Connection> = {
  producer: (values) => kafkaConnection('producer', values),
  processor: (values, pipeline) =>
    needsRegistry(pipeline)
      ? together(kafkaConnection('processor', values), databaseConnection('registry', values))
      : kafkaConnection('processor', values),
  sink: (values) => together(kafkaConnection('sink', values), databaseConnection('writer', values)),
};

export const identityOf = (pipeline: Pipeline, component: string): Identity => ({
  name: 'millrace',
  instance: pipeline.metadata.name,
  component,
});

export function role(scope: Construct, name: RoleName, context: PipelineContext): void {
  const { pipeline, values } = context;
  const connection = CONNECTIONS[name](values, pipeline);
  const listening = name === 'producer' ? listeningOf(pipeline) : null;
  const bridging = name === 'producer' ? bridgingOf(pipeline, values) : null;
  const input = listening ?? bridging ?? (name === 'producer' ? inputOf(pipeline) : { args: [], mounts: [], egress: [] });
  const scale = name === 'producer' ? producersOf(pipeline) : scaleOf(pipeline, values);
  const props = {
    ...common(context, name, connection),
    name: `${pipeline.metadata.name}-${name}`,
    args: ['run', '--role', name, '--host', '0.0.0.0', '--port', String(METRICS_PORT), ...input.args, FILE],
    ports: { metrics: METRICS_PORT, ...listening?.ports },
    mounts: [configMount('pipeline', FOLDER, context.config.name), ...connection.mounts, ...input.mounts],
    resources: resourcesOf(pipeline, name, values),
    extraLabels: { ...connection.labels, ...bridging?.labels, ...SCRAPED },
    probes: httpProbes(METRICS_PORT, '/healthz', '/readyz'),
    replicas: typeof scale === 'number' ? scale : null,
    ...listening?.deployment,
    ingress: [...metricsFlow(values), ...(listening?.ingress ?? [])],
    egress: [...connection.egress, ...input.egress],
  } satisfies ServiceProps;
  if (bridging?.inTurns) {
    // The name of a pod is the same over its restarts, and with it the session on the broker.
    service(scope, `${name}-pods`, { name: props.name, identity: props.identity, ports: props.ports, headless: true });
    new StatefulSetWorkload(scope, name, { ...props, env: { ...props.env, ...bridging.inTurns }, service: props.name });
    return;
  }
  // Two producers of one file would take turns in sending it.
  const strategy = name === 'producer' && !listening ? 'Recreate' : 'RollingUpdate';
  new DeploymentWorkload(scope, name, { ...props, strategy });
}

const producersOf = ({ spec }: Pipeline): number => spec.scale?.producers ?? 1;

/** Topics, tables and roll-ups; runs again under another name whenever what it makes is another. */
export function setupJob(scope: Construct, context: PipelineContext): void {
  const { pipeline, values, config } = context;
  const connection = together(kafkaConnection('setup', values), databaseConnection('owner', values));
  const resources = values.roles.setup;
  const args = ['setup', '--json', '--wait', SETUP_WAIT, ...(topicsAreGiven(values) ? ['--topics-given'] : []), FILE];
  // All that its pod is made of: a Job cannot be changed.
  const made = JSON.stringify({ resources, args, connection });
  const hash = checksumOf({ pipeline: config.checksum, image: values.image, made }, 8);
  new JobWorkload(scope, 'setup', {
    ...common(context, 'setup', connection),
    name: `${pipeline.metadata.name}-setup-${hash}`,
    args,
    mounts: [configMount('pipeline', FOLDER, config.name), ...connection.mounts],
    resources,
    extraLabels: connection.labels,
    backoffLimit: 3,
    deadlineSeconds: SETUP_SECONDS,
    keptSeconds: DAY_SECONDS,
    ingress: [],
    egress: connection.egress,
  });
}

function common({ pipeline, values, config }: PipelineContext, component: string, { env }: Connection) {
  return {
    identity: identityOf(pipeline, component),
    image: values.image,
    ...MILLRACE_USER,
    env,
    checksum: config.checksum,
    graceSeconds: GRACE_SECONDS,
  } satisfies Partial<WorkloadProps>;
}

function metricsFlow(values: Values): Flow[] {
  const peers = prometheusPeers(values);
  return peers.length === 0 ? [] : [{ peers, ports: [METRICS_PORT] }];
}

/** What the Pipeline wishes, else the platform's. */
function resourcesOf({ spec }: Pipeline, name: RoleName, { roles }: Values): Resources {
  const wish = spec.resources?.[name];
  const { requests, limits } = roles[name];
  return {
    requests: { ...requests, ...defined(wish?.requests) },
    limits: { ...limits, ...defined(wish?.limits) },
  };
}

function defined(amounts: { cpu?: string | undefined; memory?: string | undefined } = {}): { cpu?: string; memory?: string } {
  const { cpu, memory } = amounts;
  return { ...(cpu === undefined ? {} : { cpu }), ...(memory === undefined ? {} : { memory }) };
}
