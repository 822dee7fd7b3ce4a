/** Alertmanager: one, which groups alerts by Pipeline and sends them to a webhook where there is one. */
import type { Construct } from 'constructs';
import { checksumOf } from '../constructs/checksum.ts';
import { configMap } from '../constructs/config.ts';
import { selectorOf } from '../constructs/labels.ts';
import { configMount, scratchMount } from '../constructs/mounts.ts';
import { httpProbes } from '../constructs/probes.ts';
import { service } from '../constructs/service.ts';
import { DeploymentWorkload } from '../constructs/workload.ts';
import { IMAGES } from './images.ts';
import { ALERTMANAGER, PROMETHEUS } from './names.ts';
import type { Values } from './values.ts';

export const ALERTMANAGER_PORT = 9093;

const CONFIG = '/etc/alertmanager';
const CONFIG_MAP = 'millrace-alertmanager';
/** Webhooks are reached by http or https on their usual ports, or in the cluster on these. */
const WEBHOOK_PORTS = [80, 443, 8080, 8443];

export function alertmanagerConfig({ alertmanager: { webhook } }: Values): object {
  return {
    route: {
      receiver: 'default',
      group_by: ['alertname', 'pipeline'],
      group_wait: '10s',
      group_interval: '1m',
      repeat_interval: '4h',
    },
    // A warning says nothing new while the critical one of the same Pipeline fires.
    inhibit_rules: [
      { source_matchers: ['severity="critical"'], target_matchers: ['severity="warning"'], equal: ['pipeline', 'namespace'] },
    ],
    receivers: [{ name: 'default', ...(webhook ? { webhook_configs: [{ url: webhook, send_resolved: true }] } : {}) }],
  };
}

export function alertmanager(scope: Construct, values: Values): void {
  const { webhook, resources } = values.alertmanager;
  const data = { 'alertmanager.yml': `${JSON.stringify(alertmanagerConfig(values), null, 2)}\n` };
  configMap(scope, 'alertmanager-config', CONFIG_MAP, ALERTMANAGER, data);
  service(scope, 'alertmanager-service', { name: 'alertmanager', identity: ALERTMANAGER, ports: { http: ALERTMANAGER_PORT } });
  new DeploymentWorkload(scope, 'alertmanager', {
    name: 'alertmanager',
    identity: ALERTMANAGER,
    ...IMAGES.alertmanager,
    args: [`--config.file=${CONFIG}/alertmanager.yml`, '--storage.path=/alertmanager', '--cluster.listen-address='],
    ports: { http: ALERTMANAGER_PORT },
    mounts: [configMount('config', CONFIG, CONFIG_MAP), scratchMount('data', '/alertmanager', '64Mi')],
    resources,
    checksum: checksumOf(data),
    probes: httpProbes(ALERTMANAGER_PORT, '/-/healthy', '/-/ready'),
    replicas: 1,
    strategy: 'Recreate',
    graceSeconds: 30,
    ingress: [{ peers: [{ pods: selectorOf(PROMETHEUS) }], ports: [ALERTMANAGER_PORT] }],
    egress: webhook ? [{ peers: ['anywhere'], ports: WEBHOOK_PORTS }] : [],
  });
}
