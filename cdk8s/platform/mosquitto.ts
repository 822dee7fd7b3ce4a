/**
 * Mosquitto: one pod with a volume, on which its sessions and the list of revoked certificates outlive it. Beside it runs what keeps
 * that list the newest (docs/decisions/0036).
 */
import { ACLS, type Listener, mosquittoConfig } from '@millrace/identity/mosquitto.ts';
import type { Construct } from 'constructs';
import { checksumOf } from '../constructs/checksum.ts';
import { configMap } from '../constructs/config.ts';
import { selectorOf } from '../constructs/labels.ts';
import { configMount, secretFileMount, secretMount } from '../constructs/mounts.ts';
import type { Mount, Sidecar } from '../constructs/pod.ts';
import { portProbes } from '../constructs/probes.ts';
import { service } from '../constructs/service.ts';
import { StatefulSetWorkload } from '../constructs/workload.ts';
import { IMAGES } from './images.ts';
import { DEVICES, DEVICES_NODES, DEVICES_PORT, hostOf, MOSQUITTO, MQTT_DEVICES_PORT, MQTT_ROLES_PORT, SECRETS } from './names.ts';
import type { Values } from './values.ts';

/** Every pod that may connect as a role carries this label; who may do what, the broker's rules say. */
export const MQTT_CLIENT = { 'millrace.dev/mqtt-client': 'true' };

const CONFIG_MAP = 'millrace-mqtt';
const CONFIG = '/etc/millrace/config';
const SERVER = '/etc/millrace/server';
const AUTHORITY = '/etc/millrace/device-ca';
const LIST = '/etc/millrace/crl';
const DATA = '/mosquitto/data';

const aclFile = (listener: Listener): string => `acl.${listener}`;

const FILES = {
  acl: (listener: Listener) => `${CONFIG}/${aclFile(listener)}`,
  authority: `${AUTHORITY}/tls.crt`,
  list: `${LIST}/crl.pem`,
  certificate: `${SERVER}/tls.crt`,
  key: `${SERVER}/tls.key`,
  roles: `${SERVER}/ca.crt`,
};

/** Without a list it would not start, and one that is empty would let revoked devices in. */
const START = `#!/bin/sh
set -eu
until [ -s ${FILES.list} ]; do echo 'waiting for the list of revoked certificates' >&2; sleep 2; done
exec mosquitto -c ${CONFIG}/mosquitto.conf
`;

export function mosquitto(scope: Construct, values: Values): void {
  const { storage, resources, service: type } = values.mqtt;
  const config = mosquittoConfig({
    tls: {
      devices: { port: MQTT_DEVICES_PORT, ca: FILES.authority, crl: FILES.list },
      platform: { port: MQTT_ROLES_PORT, ca: FILES.roles },
      certificate: FILES.certificate,
      key: FILES.key,
    },
    loopbackPort: null,
    acl: FILES.acl,
    data: DATA,
  });
  const data = {
    'mosquitto.conf': config,
    [aclFile('devices')]: ACLS.devices,
    [aclFile('platform')]: ACLS.platform,
    'start.sh': START,
  };
  const ports = { devices: MQTT_DEVICES_PORT, roles: MQTT_ROLES_PORT };
  configMap(scope, 'mqtt-config', CONFIG_MAP, MOSQUITTO, data);
  service(scope, 'mqtt-nodes', { name: 'mqtt-nodes', identity: MOSQUITTO, ports, headless: true });
  service(scope, 'mqtt-service', { name: 'mqtt', identity: MOSQUITTO, ports });
  // Roles are in the cluster: outside only devices have anything to look for.
  if (type !== 'ClusterIP')
    service(scope, 'mqtt-outside', { name: 'mqtt-devices', identity: MOSQUITTO, ports: { devices: MQTT_DEVICES_PORT }, type });
  const authority = secretFileMount('device-ca', AUTHORITY, SECRETS.deviceAuthority, 'tls.crt');
  const server = secretMount(SECRETS.mqttServer, SERVER);
  const list: Mount = { volume: 'data', path: LIST, subPath: 'crl', readOnly: false, source: null };
  new StatefulSetWorkload(scope, 'mqtt', {
    name: 'mqtt',
    identity: MOSQUITTO,
    ...IMAGES.mosquitto,
    command: ['/bin/sh', `${CONFIG}/start.sh`],
    ports,
    mounts: [
      { volume: 'data', path: DATA, subPath: 'data', readOnly: false, source: null },
      { ...list, readOnly: true },
      configMount('config', CONFIG, CONFIG_MAP),
      server,
      authority,
    ],
    sidecar: sidecarOf(values, [list, server, authority]),
    resources,
    checksum: checksumOf(data),
    probes: portProbes(MQTT_ROLES_PORT, { port: MQTT_DEVICES_PORT }),
    replicas: 1,
    service: 'mqtt-nodes',
    claim: { volume: 'data', size: storage.size, storageClass: storage.class },
    graceSeconds: 30,
    ingress: [
      { peers: ['anywhere'], ports: [MQTT_DEVICES_PORT] },
      { peers: [{ pods: MQTT_CLIENT }], ports: [MQTT_ROLES_PORT] },
    ],
    egress: [{ peers: [{ pods: selectorOf(DEVICES) }], ports: [DEVICES_PORT] }],
  });
}

function sidecarOf(values: Values, mounts: readonly Mount[]): Sidecar {
  const { image, mqtt } = values;
  const url = `http://${hostOf(DEVICES_NODES, values)}:${DEVICES_PORT}/crl.pem`;
  const args = ['broker-files', '--url', url, '--authority', FILES.authority, '--crl', FILES.list];
  return {
    name: 'sidecar',
    image,
    args: [...args, '--watch', FILES.certificate, FILES.key],
    mounts,
    resources: mqtt.sidecar,
    signals: true,
  };
}
