/**
 * Where CloudNativePG is installed: a Cluster of ours, or roles and a database in an existing one, as its own resources. What
 * the roles may do, the bootstrap says as the database's owner: nobody of us is a superuser. Fields:
 * https://cloudnative-pg.io/docs/current/cloudnative-pg.v1.
 */
import { ApiObject } from 'cdk8s';
import type { Construct } from 'constructs';
import { labelsOf, selectorOf } from '../constructs/labels.ts';
import { networkPolicy } from '../constructs/networkPolicy.ts';
import { amountsOf } from '../constructs/pod.ts';
import { DATABASE_CLIENT } from './database.ts';
import { clusterOf, instancesOf } from './databasePeer.ts';
import { API_PORTS, BOOTSTRAP, DATABASE, DATABASE_PORT, databaseSecret, databaseUser, GRAFANA } from './names.ts';
import { operatorSelects } from './prometheusOperator.ts';
import { isOperated, prometheusPeers } from './prometheusPeer.ts';
import type { Values } from './values.ts';

export const CLOUDNATIVEPG_API = 'postgresql.cnpg.io/v1';
/** Of the exporter in every instance. */
export const INSTANCE_METRICS_PORT = 9187;
/** By which the operator and the other instances ask an instance how it is, by mutual TLS. */
const STATUS_PORT = 8000;
const INSTANCES = 3;

/** Of a client; the operator takes each role's password from a Secret of type kubernetes.io/basic-auth. */
const roleOf = (role: 'owner' | 'writer' | 'reader' | 'registry') => ({
  name: databaseUser(role),
  login: true,
  passwordSecret: { name: databaseSecret(role) },
});

export function cloudNativePg(scope: Construct, values: Values): void {
  const cluster = clusterOf(values);
  if (cluster === null) return;
  if (values.database.cloudnativepg?.cluster === undefined) {
    madeCluster(scope, cluster, values);
    network(scope, cluster, values);
  } else inExisting(scope, cluster, values);
  if (isOperated(values))
    new ApiObject(scope, 'pod-monitor', {
      apiVersion: 'monitoring.coreos.com/v1',
      kind: 'PodMonitor',
      metadata: { name: 'millrace-database', labels: { ...labelsOf(DATABASE), ...operatorSelects(values) } },
      spec: { selector: { matchLabels: instancesOf(cluster) }, podMetricsEndpoints: [{ port: 'metrics', interval: '15s' }] },
    });
}

function madeCluster(scope: Construct, cluster: string, { database: { name, storage, resources, cloudnativepg } }: Values): void {
  const image = cloudnativepg?.timescaledb;
  new ApiObject(scope, 'cluster', {
    apiVersion: CLOUDNATIVEPG_API,
    kind: 'Cluster',
    metadata: {
      name: cluster,
      labels: labelsOf(DATABASE),
      // Its volumes go with it.
      annotations: { 'helm.sh/resource-policy': 'keep' },
    },
    spec: {
      instances: cloudnativepg?.instances ?? INSTANCES,
      ...(image === undefined ? {} : { imageName: image }),
      enableSuperuserAccess: false,
      storage: { size: storage.size, ...(storage.class === undefined ? {} : { storageClass: storage.class }) },
      resources: { requests: amountsOf(resources.requests), limits: amountsOf(resources.limits) },
      bootstrap: {
        initdb: {
          database: name,
          owner: databaseUser('owner'),
          secret: { name: databaseSecret('owner') },
          ...(image === undefined ? {} : { postInitApplicationSQL: ['CREATE EXTENSION IF NOT EXISTS timescaledb'] }),
        },
      },
      postgresql: {
        // Before the operator's own rules, which let passwords come in clear as well.
        pg_hba: ['hostnossl all all all reject'],
        ...(image === undefined ? {} : { shared_preload_libraries: ['timescaledb'] }),
      },
      managed: { roles: [roleOf('writer'), roleOf('reader'), roleOf('registry')] },
    },
  });
}

/** The operator is wherever it was installed, and writes the instances' state into the Kubernetes API. */
function network(scope: Construct, cluster: string, values: Values): void {
  const pods = instancesOf(cluster);
  const others = { peers: [{ pods }], ports: [DATABASE_PORT, STATUS_PORT] };
  const prometheus = prometheusPeers(values);
  networkPolicy(scope, 'network', 'millrace-database', {
    identity: DATABASE,
    pods,
    ingress: [
      {
        peers: [{ pods: DATABASE_CLIENT }, { pods: selectorOf(BOOTSTRAP) }, { pods: selectorOf(GRAFANA) }],
        ports: [DATABASE_PORT],
      },
      others,
      { peers: ['anywhere'], ports: [STATUS_PORT] },
      ...(prometheus.length === 0 ? [] : [{ peers: prometheus, ports: [INSTANCE_METRICS_PORT] }]),
    ],
    egress: [others, { peers: ['anywhere'], ports: API_PORTS }],
  });
}

/** Deleting one of them leaves what it stands for in the Cluster. */
function inExisting(scope: Construct, cluster: string, { database: { name } }: Values): void {
  const object = (id: string, kind: string, spec: object): void => {
    const metadata = { name: id, labels: labelsOf(DATABASE) };
    new ApiObject(scope, id, { apiVersion: CLOUDNATIVEPG_API, kind, metadata, spec: { cluster: { name: cluster }, ...spec } });
  };
  for (const role of ['owner', 'writer', 'reader', 'registry'] as const)
    object(databaseSecret(role), 'DatabaseRole', roleOf(role));
  object('millrace-database', 'Database', { name, owner: databaseUser('owner') });
}
