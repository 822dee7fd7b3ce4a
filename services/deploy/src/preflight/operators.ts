/** Operators of others, where values name them: whether they are installed, and whether what is pointed at is there and fits. */
import type { Manifest } from '@millrace/cdk8s/constructs/manifest.ts';
import { CLOUDNATIVEPG_API } from '@millrace/cdk8s/platform/cloudNativePg.ts';
import { STRIMZI_API } from '@millrace/cdk8s/platform/strimzi.ts';
import type { Values } from '@millrace/cdk8s/platform/values.ts';
import { CommandFailed } from '../command.ts';
import { groupOf } from '../inventory.ts';
import type { Kubectl } from '../kubectl.ts';
import type { Candidate } from './check.ts';

/** Who asks for it, and what is to be there, by group of the API. */
const ASKED: Readonly<Record<string, string>> = {
  'kafka.strimzi.io': 'kafka.strimzi wants Strimzi, 0.49 or newer',
  'postgresql.cnpg.io': 'database.cloudnativepg wants CloudNativePG, 1.28 or newer, and 1.30 for an existing Cluster',
  'monitoring.coreos.com': 'prometheus.operator wants a prometheus-operator',
  'keda.sh': 'autoscaling.by: keda wants KEDA',
};

type Kind = Pick<Manifest, 'apiVersion' | 'kind'>;
type Strimzi = NonNullable<Values['kafka']['strimzi']>;

export interface Status {
  conditions?: { type: string; status: string; message?: string }[];
}

/** What of Strimzi's resource Kafka is looked at. */
export interface LiveKafka {
  spec: {
    kafka: {
      listeners?: { port: number; tls: boolean; authentication?: { type: string } }[];
      authorization?: { type: string };
    };
    entityOperator?: { userOperator?: { watchedNamespace?: string }; topicOperator?: { watchedNamespace?: string } };
  };
  status?: Status;
}

export async function operators({ wanted, kubectl, say }: Candidate): Promise<string[]> {
  const { kafka, database } = wanted.values;
  const missing = await missingKinds([...wanted.objects, ...pointedAt(wanted.values)], kubectl);
  if (missing.length > 0) return missing;
  const look = async <T>(resource: string, name: string, namespace: string): Promise<T | null | undefined> => {
    try {
      const text = await kubectl.run('get', resource, name, `--namespace=${namespace}`, '--ignore-not-found', '--output=json');
      return text.trim() === '' ? null : (JSON.parse(text) as T);
    } catch (error) {
      if (!(error instanceof CommandFailed && error.stderr.includes('(Forbidden)'))) throw error;
      say(`not checked: the ${resource} ${name} in ${namespace}, which you may not look at`);
      return undefined;
    }
  };
  const problems: string[] = [];
  if (kafka.strimzi) {
    const found = await look<LiveKafka>(
      'kafkas.kafka.strimzi.io',
      kafka.strimzi.cluster,
      kafka.strimzi.namespace ?? kubectl.namespace,
    );
    if (found !== undefined) problems.push(...kafkaProblems(found, kafka.strimzi, kubectl.namespace));
  }
  const cluster = database.cloudnativepg?.cluster;
  if (cluster !== undefined) {
    const found = await look<{ status?: Status }>('clusters.postgresql.cnpg.io', cluster, kubectl.namespace);
    if (found !== undefined) problems.push(...clusterProblems(found, cluster, kubectl.namespace));
  }
  return problems;
}

/** What values name and nobody of us makes. */
function pointedAt({ kafka, database }: Values): Kind[] {
  return [
    ...(kafka.strimzi ? [{ apiVersion: STRIMZI_API, kind: 'Kafka' }] : []),
    ...(database.cloudnativepg?.cluster === undefined ? [] : [{ apiVersion: CLOUDNATIVEPG_API, kind: 'Cluster' }]),
  ];
}

async function missingKinds(objects: readonly Kind[], kubectl: Kubectl): Promise<string[]> {
  const wanted = new Map<string, Set<string>>();
  for (const { apiVersion, kind } of objects)
    if (groupOf(apiVersion) in ASKED) wanted.set(apiVersion, (wanted.get(apiVersion) ?? new Set()).add(kind));
  const problems: string[] = [];
  for (const [apiVersion, kinds] of wanted) {
    const served = await kindsOf(apiVersion, kubectl);
    const missing = [...kinds].filter((kind) => !served.has(kind));
    if (missing.length > 0)
      problems.push(
        `the cluster has no ${missing.join(', ')} of ${apiVersion}: ${ASKED[groupOf(apiVersion)]}; install it, or take the value away`,
      );
  }
  return problems;
}

async function kindsOf(apiVersion: string, kubectl: Kubectl): Promise<ReadonlySet<string>> {
  try {
    const { resources } = JSON.parse(await kubectl.run('get', '--raw', `/apis/${apiVersion}`)) as {
      resources: { kind: string }[];
    };
    return new Set(resources.map(({ kind }) => kind));
  } catch (error) {
    if (error instanceof CommandFailed && error.stderr.includes('(NotFound)')) return new Set();
    throw error;
  }
}

/** Pure. @param kafka null: there is none of the name */
export function kafkaProblems(
  kafka: LiveKafka | null,
  { cluster, namespace: its, port, authentication, topics }: Strimzi,
  ours: string,
): string[] {
  const place = its ?? ours;
  if (kafka === null)
    return [
      `kafka.strimzi.cluster is ${cluster}, and there is no Kafka ${cluster} in the namespace ${place}: make it first, or set kafka.strimzi.namespace`,
    ];
  const { kafka: spec, entityOperator } = kafka.spec;
  const listener = spec.listeners?.find((one) => one.port === port);
  const watches = (operator: 'userOperator' | 'topicOperator'): string[] => {
    const found = entityOperator?.[operator];
    if (!found) return [`the Kafka ${cluster} has no spec.entityOperator.${operator}, so nobody would make what we ask for`];
    const watched = found.watchedNamespace ?? place;
    return watched === ours
      ? []
      : [
          `of the Kafka ${cluster} the ${operator} watches the namespace ${watched}: set spec.entityOperator.${operator}.watchedNamespace to ${ours}`,
        ];
  };
  return [
    ...unready(`the Kafka ${cluster}`, kafka.status),
    ...(listener?.tls && listener.authentication?.type === authentication
      ? []
      : [
          `the Kafka ${cluster} has no listener on port ${port} with tls and authentication of type ${authentication}: set kafka.strimzi.port and kafka.strimzi.authentication to those of one that it has`,
        ]),
    ...(spec.authorization?.type === 'simple'
      ? []
      : [
          `the Kafka ${cluster} has no spec.kafka.authorization of type simple, without which a user may do everything or nothing`,
        ]),
    ...watches('userOperator'),
    ...(topics ? watches('topicOperator') : []),
  ];
}

/** Pure. @param found null: there is none of the name */
export function clusterProblems(found: { status?: Status } | null, cluster: string, namespace: string): string[] {
  return found === null
    ? [
        `database.cloudnativepg.cluster is ${cluster}, and there is no Cluster ${cluster} in the namespace ${namespace}: make it first, leave the value out to have one made, or use database.external for one elsewhere`,
      ]
    : unready(`the Cluster ${cluster}`, found.status);
}

function unready(what: string, status: Status | undefined): string[] {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  return ready?.status === 'True' ? [] : [`${what} is not ready: ${ready?.message ?? 'its operator has said nothing of it'}`];
}
