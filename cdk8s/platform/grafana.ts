/** Grafana: its two data sources, and the dashboards of every ConfigMap that carries their label. It keeps nothing itself. */
import type { Construct } from 'constructs';
import { checksumOf } from '../constructs/checksum.ts';
import { configMap } from '../constructs/config.ts';
import { configFileMount, scratchMount, secretMount } from '../constructs/mounts.ts';
import { portProbes } from '../constructs/probes.ts';
import { service } from '../constructs/service.ts';
import { DeploymentWorkload } from '../constructs/workload.ts';
import { databaseFlow, databaseMount, databaseOf } from './databasePeer.ts';
import { IMAGES } from './images.ts';
import { API_PORTS, databaseUser, GRAFANA, SECRETS } from './names.ts';
import { PROMETHEUS_PORT, prometheusPeers, prometheusUrl } from './prometheusPeer.ts';
import { serviceAccount } from './serviceAccount.ts';
import { readsConfigMaps, sidecar } from './sidecar.ts';
import type { Values } from './values.ts';

const PORT = 3000;
const CONFIG_MAP = 'millrace-grafana';
const PROVISIONING = '/etc/grafana/provisioning';
const DASHBOARDS = '/etc/millrace/dashboards';
const READER = '/etc/millrace/database';
const ADMIN = '/etc/millrace/admin';

/** ConfigMaps with dashboards carry it; the same that Grafana takes up in kube-prometheus-stack and Grafana's own chart. */
export const DASHBOARD_LABEL = { grafana_dashboard: '1' };

/** Names by which panels speak of data sources. */
export const SOURCES = { database: 'timescaledb', prometheus: 'prometheus' } as const;

/** Passwords are read from files when Grafana starts (`$__file{…}`). */
export function dataSources(values: Values): object {
  const { host, port, name } = databaseOf(values);
  return {
    apiVersion: 1,
    datasources: [
      {
        name: 'TimescaleDB',
        uid: SOURCES.database,
        type: 'grafana-postgresql-datasource',
        url: `${host}:${port}`,
        user: databaseUser('reader'),
        jsonData: {
          database: name,
          sslmode: 'verify-full',
          tlsConfigurationMethod: 'file-path',
          sslRootCertFile: `${READER}/ca.crt`,
          timescaledb: true,
        },
        secureJsonData: { password: `$__file{${READER}/password}` },
      },
      ...(values.prometheus.enabled
        ? [
            {
              name: 'Prometheus',
              uid: SOURCES.prometheus,
              type: 'prometheus',
              url: prometheusUrl(values),
              isDefault: true,
            },
          ]
        : []),
    ],
  };
}

/** Looks at the folder every ten seconds: what comes and goes there, comes and goes in Grafana. */
const PROVIDERS = {
  apiVersion: 1,
  providers: [
    {
      name: 'millrace',
      folder: 'Millrace',
      type: 'file',
      disableDeletion: false,
      allowUiUpdates: false,
      updateIntervalSeconds: 10,
      options: { path: DASHBOARDS },
    },
  ],
};

export function grafana(scope: Construct, values: Values): void {
  const data = {
    'datasources.yaml': `${JSON.stringify(dataSources(values), null, 2)}\n`,
    'dashboards.yaml': `${JSON.stringify(PROVIDERS, null, 2)}\n`,
  };
  const taken = sidecar(values, { label: DASHBOARD_LABEL, folder: { volume: 'dashboards', path: DASHBOARDS } });
  serviceAccount(scope, CONFIG_MAP, GRAFANA, values.namespace, [readsConfigMaps]);
  const prometheus = prometheusPeers(values);
  configMap(scope, 'grafana-config', CONFIG_MAP, GRAFANA, data);
  service(scope, 'grafana-service', { name: 'grafana', identity: GRAFANA, ports: { http: PORT } });
  new DeploymentWorkload(scope, 'grafana', {
    name: 'grafana',
    identity: GRAFANA,
    ...IMAGES.grafana,
    env: {
      GF_SECURITY_ADMIN_USER__FILE: `${ADMIN}/username`,
      GF_SECURITY_ADMIN_PASSWORD__FILE: `${ADMIN}/password`,
      GF_ANALYTICS_REPORTING_ENABLED: 'false',
      GF_ANALYTICS_CHECK_FOR_UPDATES: 'false',
      GF_LOG_MODE: 'console',
    },
    ports: { http: PORT },
    mounts: [
      configFileMount('datasources', `${PROVISIONING}/datasources`, CONFIG_MAP, 'datasources.yaml'),
      configFileMount('providers', `${PROVISIONING}/dashboards`, CONFIG_MAP, 'dashboards.yaml'),
      taken.mount,
      databaseMount('reader', READER, values),
      secretMount(SECRETS.grafana, ADMIN),
      scratchMount('data', '/var/lib/grafana', '256Mi'),
      scratchMount('tmp', '/tmp', '64Mi'),
    ],
    sidecar: taken.container,
    serviceAccount: CONFIG_MAP,
    resources: values.grafana.resources,
    checksum: checksumOf(data),
    probes: portProbes(PORT, { path: '/api/health', port: PORT }),
    replicas: 1,
    strategy: 'Recreate',
    graceSeconds: 30,
    ingress: [],
    egress: [
      databaseFlow(values),
      ...(prometheus.length === 0 ? [] : [{ peers: prometheus, ports: [PROMETHEUS_PORT] }]),
      { peers: ['anywhere'], ports: API_PORTS },
    ],
  });
}
