/**
 * The Job that makes what must not stand in a template: certificates, passwords, users. What it is to make is a file,
 * made here from the values; how it does that is in `services/bootstrap`.
 */
import { type BootstrapPlan, secretNames } from '@millrace/bootstrap/plan.ts';
import { BROKER_USERS } from '@millrace/identity/mosquitto.ts';
import { permissionsInNamespace } from '@millrace/setup/permissions.ts';
import type { Construct } from 'constructs';
import { checksumOf } from '../constructs/checksum.ts';
import { configMap } from '../constructs/config.ts';
import { labelsOf } from '../constructs/labels.ts';
import { configMount } from '../constructs/mounts.ts';
import { CronJobWorkload, JobWorkload } from '../constructs/workload.ts';
import { authorityMount, clusterOf, databaseFlow, databaseOf, isOwnDatabase } from './databasePeer.ts';
import { MILLRACE_USER } from './images.ts';
import { KEYSTORE, SERVER_NAME } from './kafkaConfig.ts';
import { brokersOf, isOwnKafka, kafkaFlow } from './kafkaPeer.ts';
import {
  API_PORTS,
  BOOTSTRAP,
  databaseSecret,
  databaseUser,
  hostOf,
  KAFKA_CLIENTS,
  KAFKA_PORT,
  kafkaHosts,
  kafkaSecret,
  MQTT_ROLES,
  mqttSecret,
  SECRETS,
} from './names.ts';
import { serviceAccount } from './serviceAccount.ts';
import type { Values } from './values.ts';

const NAME = 'millrace-bootstrap';
const CONFIG = '/etc/millrace/bootstrap';
const DATABASE_CA = '/etc/millrace/database-ca';
const DAY_SECONDS = 86_400;

/** What has to be made for these values; nothing for what is given from outside. */
export function bootstrapPlan(values: Values): BootstrapPlan {
  const { namespace, grafana, mqtt } = values;
  const cluster = clusterOf(values);
  const account = (role: Parameters<typeof databaseSecret>[0]) => ({ user: databaseUser(role), secret: databaseSecret(role) });
  const server = (secret: string, commonName: string, hosts: string[], isKafka: boolean) => ({
    secret,
    commonName,
    hosts: hosts.flatMap((host) => [host, `${host}.cluster.local`]),
    keystore: isKafka,
    clusterId: isKafka,
  });
  return {
    namespace,
    // By the second one CloudNativePG sees at once that a password has come.
    labels: { ...labelsOf(BOOTSTRAP), ...(cluster === null ? {} : { 'cnpg.io/reload': 'true' }) },
    authority: SECRETS.authority,
    servers: [
      ...(isOwnKafka(values)
        ? [server(SECRETS.kafkaServer, SERVER_NAME, [hostOf('kafka', values), ...kafkaHosts(values)], true)]
        : []),
      ...(isOwnDatabase(values) ? [server(SECRETS.databaseServer, 'database', [hostOf('database', values)], false)] : []),
      ...(mqtt.enabled && !mqtt.external ? [mqttServer(values)] : []),
    ],
    passwords: grafana.enabled ? [{ user: 'admin', secret: SECRETS.grafana }] : [],
    kafka: isOwnKafka(values)
      ? {
          brokers: brokersOf(values),
          admin: { user: 'admin', secret: kafkaSecret('admin') },
          users: KAFKA_CLIENTS.map((user) => ({
            user,
            secret: kafkaSecret(user),
            permissions: permissionsInNamespace(user, namespace).map((one) => ({ ...one, operations: [...one.operations] })),
          })),
          certificate: {
            secret: SECRETS.kafkaServer,
            hosts: kafkaHosts(values),
            port: KAFKA_PORT,
            keystore: KEYSTORE,
            listeners: ['clients', 'brokers', 'controller'],
          },
        }
      : null,
    database: values.database.external
      ? null
      : {
          ...databaseOf(values),
          owner: account('owner'),
          writer: account('writer'),
          reader: account('reader'),
          registry: account('registry'),
          server:
            cluster === null
              ? { of: 'us', superuser: account('superuser'), certificate: SECRETS.databaseServer }
              : { of: 'an operator', authority: `${DATABASE_CA}/ca.crt` },
        },
    devices: mqtt.enabled
      ? {
          authority: { secret: SECRETS.deviceAuthority },
          clients: mqtt.external ? [] : MQTT_ROLES.map((role) => ({ secret: mqttSecret(role), commonName: BROKER_USERS[role] })),
          tokens: [{ secret: SECRETS.provisioningTokens }, { secret: SECRETS.commandTokens }],
        }
      : null,
  };
}

/** Also by the name that devices use from outside. */
function mqttServer(values: Values): BootstrapPlan['servers'][number] {
  const host = hostOf('mqtt', values);
  const hosts = [host, `${host}.cluster.local`, ...(values.mqtt.host === undefined ? [] : [values.mqtt.host])];
  return { secret: SECRETS.mqttServer, commonName: 'mqtt', hosts, keystore: false, clusterId: false };
}

export function bootstrap(scope: Construct, values: Values): void {
  const plan = bootstrapPlan(values);
  const { image, namespace, roles } = values;
  const cluster = clusterOf(values);
  const data = { 'plan.json': `${JSON.stringify(plan, null, 2)}\n` };
  serviceAccount(scope, NAME, BOOTSTRAP, namespace, [
    { apiGroup: '', resources: ['secrets'], names: secretNames(plan), verbs: ['get', 'update'] },
    // The name of what is not there yet cannot be asked for.
    { apiGroup: '', resources: ['secrets'], verbs: ['create'] },
  ]);
  configMap(scope, 'bootstrap-config', NAME, BOOTSTRAP, data);
  const common = {
    identity: BOOTSTRAP,
    image,
    ...MILLRACE_USER,
    args: ['bootstrap', '--plan', `${CONFIG}/plan.json`],
    mounts: [configMount('config', CONFIG, NAME), ...(cluster === null ? [] : [authorityMount(cluster, DATABASE_CA)])],
    resources: roles.setup,
    serviceAccount: NAME,
    graceSeconds: 10,
    backoffLimit: 10,
    deadlineSeconds: 600,
    ingress: [],
    egress: [
      ...(isOwnKafka(values) ? [kafkaFlow(values)] : []),
      ...(values.database.external ? [] : [databaseFlow(values)]),
      { peers: ['anywhere' as const], ports: API_PORTS },
    ],
  };
  // A Job cannot be changed: another plan or image is another Job.
  new JobWorkload(scope, 'bootstrap', {
    ...common,
    name: `${NAME}-${checksumOf({ ...data, image, resources: JSON.stringify(roles.setup) }, 8)}`,
    keptSeconds: DAY_SECONDS,
  });
  // The same once a day: renews certificates that come to their end, and makes what somebody has deleted.
  new CronJobWorkload(scope, 'renewal', { ...common, name: `${NAME}-daily`, schedule: '17 3 * * *' });
}
