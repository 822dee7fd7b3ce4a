/** Grafana: its two data sources, and the dashboards of every ConfigMap that is mounted into it. It keeps nothing itself. */
import type { Construct } from 'constructs';
import { checksumOf } from '../constructs/checksum.ts';
import { configMap } from '../constructs/config.ts';
import { selectorOf } from '../constructs/labels.ts';
import { configMount, scratchMount, secretMount } from '../constructs/mounts.ts';
import { portProbes } from '../constructs/probes.ts';
import { service } from '../constructs/service.ts';
import { DeploymentWorkload } from '../constructs/workload.ts';
import { IMAGES } from './images.ts';
import { DATABASE, databaseOf, databaseSecret, databaseUser, GRAFANA, PROMETHEUS, SECRETS } from './names.ts';
import { PROMETHEUS_PORT } from './prometheus.ts';
import type { Values } from './values.ts';

const PORT = 3000;
const CONFIG_MAP = 'millrace-grafana';
const PROVISIONING = '/etc/grafana/provisioning/datasources';
const READER = '/etc/millrace/database';
const ADMIN = '/etc/millrace/admin';

/** Passwords are read from files when Grafana starts (`$__file{…}`). */
export function dataSources(values: Values): object {
  const { host, port, name } = databaseOf(values);
  return {
    apiVersion: 1,
    datasources: [
      {
        name: 'TimescaleDB',
        uid: 'timescaledb',
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
              uid: 'prometheus',
              type: 'prometheus',
              url: `http://prometheus:${PROMETHEUS_PORT}`,
              isDefault: true,
            },
          ]
        : []),
    ],
  };
}

export function grafana(scope: Construct, values: Values): void {
  const data = { 'millrace.yaml': `${JSON.stringify(dataSources(values), null, 2)}\n` };
  const { port } = databaseOf(values);
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
      configMount('datasources', PROVISIONING, CONFIG_MAP),
      secretMount(databaseSecret('reader'), READER),
      secretMount(SECRETS.grafana, ADMIN),
      scratchMount('data', '/var/lib/grafana', '256Mi'),
      scratchMount('tmp', '/tmp', '64Mi'),
    ],
    resources: values.grafana.resources,
    checksum: checksumOf(data),
    probes: portProbes(PORT, { path: '/api/health', port: PORT }),
    replicas: 1,
    strategy: 'Recreate',
    graceSeconds: 30,
    ingress: [],
    egress: [
      { peers: values.database.external ? ['anywhere'] : [{ pods: selectorOf(DATABASE) }], ports: [port] },
      ...(values.prometheus.enabled ? [{ peers: [{ pods: selectorOf(PROMETHEUS) }], ports: [PROMETHEUS_PORT] }] : []),
    ],
  });
}
