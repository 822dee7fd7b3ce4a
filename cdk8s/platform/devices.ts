/** What signs certificates of devices and sends them commands: the role `millrace devices` (docs/decisions/0036). */
import { ApiObject } from 'cdk8s';
import type { Construct } from 'constructs';
import { labelsOf, selectorOf } from '../constructs/labels.ts';
import { secretMount } from '../constructs/mounts.ts';
import { httpProbes } from '../constructs/probes.ts';
import { service } from '../constructs/service.ts';
import { DeploymentWorkload } from '../constructs/workload.ts';
import { databaseConnection, mqttConnection, together } from '../pipeline/connections.ts';
import { MILLRACE_USER } from './images.ts';
import {
  DEVICES,
  DEVICES_NODES,
  DEVICES_PORT,
  METRICS_PORT,
  MOSQUITTO,
  MQTT_DEVICES_PORT,
  mqttDevicesOf,
  SECRETS,
} from './names.ts';
import { SCRAPED } from './prometheus.ts';
import { prometheusPeers } from './prometheusPeer.ts';
import type { Values } from './values.ts';

const FOLDERS = {
  MILLRACE_DEVICE_CA: ['/etc/millrace/device-ca', SECRETS.deviceAuthority],
  MILLRACE_PROVISIONING_TOKENS: ['/etc/millrace/provisioning', SECRETS.provisioningTokens],
  MILLRACE_COMMAND_TOKENS: ['/etc/millrace/commands', SECRETS.commandTokens],
} as const;
/** In which Services stop sending new requests to a pod that ends. */
const LEAVE_SECONDS = 5;
/** Covers the longest command. */
const GRACE_SECONDS = 80;

export function devices(scope: Construct, values: Values): void {
  const { image, roles, ingress } = values;
  const connection = together(databaseConnection('writer', values), mqttConnection('commands', values));
  const peers = prometheusPeers(values);
  const listener = mqttDevicesOf(values);
  const folders = Object.fromEntries(Object.entries(FOLDERS).map(([variable, [folder]]) => [variable, folder]));
  service(scope, 'devices-service', { name: 'devices', identity: DEVICES, ports: { http: DEVICES_PORT } });
  // Also while it is not ready, for want of a broker, which waits for the list that is given here.
  service(scope, 'devices-nodes', { name: DEVICES_NODES, identity: DEVICES, ports: { http: DEVICES_PORT }, headless: true });
  new DeploymentWorkload(scope, 'devices', {
    name: 'devices',
    identity: DEVICES,
    image,
    ...MILLRACE_USER,
    args: [
      'devices',
      '--host',
      '0.0.0.0',
      '--port',
      String(METRICS_PORT),
      '--http-host',
      '0.0.0.0',
      '--http-port',
      String(DEVICES_PORT),
    ],
    env: { ...connection.env, ...folders, ...(listener === undefined ? {} : { MILLRACE_MQTT_DEVICES: listener }) },
    ports: { metrics: METRICS_PORT, http: DEVICES_PORT },
    mounts: [...connection.mounts, ...Object.values(FOLDERS).map(([folder, secret]) => secretMount(secret, folder))],
    resources: roles.devices,
    extraLabels: { ...connection.labels, ...SCRAPED },
    probes: httpProbes(METRICS_PORT, '/healthz', '/readyz'),
    replicas: 1,
    strategy: 'RollingUpdate',
    graceSeconds: GRACE_SECONDS,
    preStopSeconds: LEAVE_SECONDS,
    ingress: [{ peers: ['anywhere'], ports: [DEVICES_PORT] }, ...(peers.length === 0 ? [] : [{ peers, ports: [METRICS_PORT] }])],
    // To another one's broker any port is open.
    egress: [
      ...connection.egress,
      ...(values.mqtt.external ? [] : [{ peers: [{ pods: selectorOf(MOSQUITTO) }], ports: [MQTT_DEVICES_PORT] }]),
    ],
  });
  if (!ingress) return;
  new ApiObject(scope, 'devices-ingress', {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { name: 'devices', labels: labelsOf(DEVICES) },
    spec: {
      ...(ingress.class === undefined ? {} : { ingressClassName: ingress.class }),
      ...(ingress.tls === undefined ? {} : { tls: [{ hosts: [ingress.host], secretName: ingress.tls }] }),
      rules: [
        {
          host: ingress.host,
          http: {
            paths: [{ path: '/devices', pathType: 'Prefix', backend: { service: { name: 'devices', port: { name: 'http' } } } }],
          },
        },
      ],
    },
  } as never);
}
