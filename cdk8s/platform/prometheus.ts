/** Our own Prometheus: finds every pod of the namespace that shows metrics, and watches the rules. */
import type { Construct } from 'constructs';
import { checksumOf } from '../constructs/checksum.ts';
import { configMap } from '../constructs/config.ts';
import { selectorOf } from '../constructs/labels.ts';
import { configMount } from '../constructs/mounts.ts';
import { httpProbes } from '../constructs/probes.ts';
import { ruleFile, ruleGroup } from '../constructs/rules.ts';
import { service } from '../constructs/service.ts';
import { StatefulSetWorkload } from '../constructs/workload.ts';
import { ALERTMANAGER_PORT } from './alertmanager.ts';
import { INSTANCE_METRICS_PORT } from './cloudNativePg.ts';
import { clusterOf, instancesOf } from './databasePeer.ts';
import { IMAGES } from './images.ts';
import { ALERTMANAGER, API_PORTS, GRAFANA, METRICS_PORT, PROMETHEUS } from './names.ts';
import { PROMETHEUS_PORT } from './prometheusPeer.ts';
import { RULES } from './rules.ts';
import { serviceAccount } from './serviceAccount.ts';
import { readsConfigMaps, sidecar } from './sidecar.ts';
import type { Values } from './values.ts';

const CONFIG = '/etc/prometheus';
const DATA = '/prometheus';
const RULES_FOLDER = '/etc/millrace/rules';
const NAME = 'millrace-prometheus';

/** Pods whose metrics are read carry this label, so that the network lets Prometheus in. */
export const SCRAPED = { 'millrace.dev/metrics': 'true' };

/** ConfigMaps with rule files of Pipelines, which our own Prometheus takes up. */
export const RULES_LABEL = { 'millrace.dev/rules': 'true' };

/** Headless: its name gives the addresses of all pods that show metrics. */
const METRICS_SERVICE = 'millrace-metrics';

export function prometheusConfig({ alertmanager, prometheus: { discovery } }: Values): object {
  return {
    global: { scrape_interval: '15s', evaluation_interval: '15s' },
    rule_files: [`${CONFIG}/rules.json`, `${RULES_FOLDER}/*.json`],
    ...(alertmanager.enabled
      ? { alerting: { alertmanagers: [{ static_configs: [{ targets: [`alertmanager:${ALERTMANAGER_PORT}`] }] }] } }
      : {}),
    scrape_configs: [
      { job_name: 'millrace', ...DISCOVERY[discovery] },
      { job_name: 'prometheus', static_configs: [{ targets: [`localhost:${PROMETHEUS_PORT}`] }] },
    ],
  };
}

const relabel = (from: string, to: string) => ({ source_labels: [`__meta_kubernetes_${from}`], target_label: to });

const DISCOVERY: Record<Values['prometheus']['discovery'], object> = {
  pods: {
    kubernetes_sd_configs: [{ role: 'pod', namespaces: { own_namespace: true } }],
    relabel_configs: [
      { source_labels: ['__meta_kubernetes_pod_container_port_name'], regex: 'metrics', action: 'keep' },
      // What has run to its end has nothing to tell.
      { source_labels: ['__meta_kubernetes_pod_phase'], regex: 'Succeeded|Failed', action: 'drop' },
      relabel('namespace', 'namespace'),
      relabel('pod_name', 'pod'),
      relabel('pod_label_app_kubernetes_io_component', 'component'),
    ],
  },
  dns: { dns_sd_configs: [{ names: [METRICS_SERVICE], type: 'A', port: METRICS_PORT, refresh_interval: '15s' }] },
};

export function prometheus(scope: Construct, values: Values): void {
  const { retention, storage, resources, discovery } = values.prometheus;
  const cluster = clusterOf(values);
  const data = {
    'prometheus.yml': `${JSON.stringify(prometheusConfig(values), null, 2)}\n`,
    'rules.json': ruleFile(ruleGroup('millrace', RULES)),
  };
  configMap(scope, 'prometheus-config', NAME, PROMETHEUS, data);
  serviceAccount(scope, NAME, PROMETHEUS, values.namespace, [
    readsConfigMaps,
    ...(discovery === 'pods' ? [{ apiGroup: '', resources: ['pods'], verbs: ['get', 'list', 'watch'] }] : []),
  ]);
  if (discovery === 'dns')
    service(scope, 'metrics', {
      name: METRICS_SERVICE,
      identity: PROMETHEUS,
      selector: SCRAPED,
      ports: { metrics: METRICS_PORT },
      headless: true,
    });
  service(scope, 'prometheus-service', {
    name: 'prometheus',
    identity: PROMETHEUS,
    ports: { http: PROMETHEUS_PORT },
    headless: true,
  });
  const taken = sidecar(values, {
    label: RULES_LABEL,
    folder: { volume: 'rules', path: RULES_FOLDER },
    reload: `http://127.0.0.1:${PROMETHEUS_PORT}`,
  });
  new StatefulSetWorkload(scope, 'prometheus', {
    name: 'prometheus',
    identity: PROMETHEUS,
    ...IMAGES.prometheus,
    // Arguments only: the path of the program differs between builds.
    args: [
      `--config.file=${CONFIG}/prometheus.yml`,
      `--storage.tsdb.path=${DATA}`,
      `--storage.tsdb.retention.time=${retention}`,
      // For the sidecar, which asks it to read rules again.
      '--web.enable-lifecycle',
    ],
    ports: { http: PROMETHEUS_PORT },
    mounts: [
      { volume: 'data', path: DATA, subPath: 'data', readOnly: false, source: null },
      configMount('config', CONFIG, NAME),
      taken.mount,
    ],
    sidecar: taken.container,
    resources,
    checksum: checksumOf(data),
    serviceAccount: NAME,
    probes: httpProbes(PROMETHEUS_PORT, '/-/healthy', '/-/ready'),
    replicas: 1,
    service: 'prometheus',
    claim: { volume: 'data', size: storage.size, storageClass: storage.class },
    graceSeconds: 60,
    ingress: [
      { peers: [{ pods: selectorOf(GRAFANA) }], ports: [PROMETHEUS_PORT] },
      ...(values.autoscaling.by === 'none'
        ? []
        : [{ peers: [{ namespace: values.autoscaling.namespace, pods: {} }], ports: [PROMETHEUS_PORT] }]),
    ],
    egress: [
      { peers: [{ pods: SCRAPED }], ports: [METRICS_PORT] },
      // Found like our own: their port has the same name.
      ...(cluster === null ? [] : [{ peers: [{ pods: instancesOf(cluster) }], ports: [INSTANCE_METRICS_PORT] }]),
      ...(values.alertmanager.enabled ? [{ peers: [{ pods: selectorOf(ALERTMANAGER) }], ports: [ALERTMANAGER_PORT] }] : []),
      { peers: ['anywhere'], ports: API_PORTS },
    ],
  });
}
