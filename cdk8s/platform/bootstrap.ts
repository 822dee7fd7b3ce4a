/**
 * The Job that makes what must not stand in a template: certificates, passwords, users. What it is to make is a file,
 * made here from the values; how it does that is in `services/bootstrap`.
 */
import type { BootstrapPlan } from '@millrace/bootstrap/plan.ts';
import { permissionsInNamespace } from '@millrace/setup/permissions.ts';
import type { Construct } from 'constructs';
import { checksumOf } from '../constructs/checksum.ts';
import { configMap } from '../constructs/config.ts';
import { labelsOf, selectorOf } from '../constructs/labels.ts';
import { configMount } from '../constructs/mounts.ts';
import { CronJobWorkload, JobWorkload } from '../constructs/workload.ts';
import { MILLRACE_USER } from './images.ts';
import { KEYSTORE, SERVER_NAME } from './kafkaConfig.ts';
import {
  BOOTSTRAP,
  brokersOf,
  DATABASE,
  DATABASE_PORT,
  databaseOf,
  databaseSecret,
  databaseUser,
  hostOf,
  KAFKA,
  KAFKA_PORT,
  KAFKA_USERS,
  kafkaHosts,
  kafkaSecret,
  SECRETS,
} from './names.ts';
import { serviceAccount } from './serviceAccount.ts';
import type { Values } from './values.ts';

const NAME = 'millrace-bootstrap';
const CONFIG = '/etc/millrace/bootstrap';
const API_PORTS = [443, 6443];
const DAY_SECONDS = 86_400;

/** What has to be made for these values; nothing for what is given from outside. */
export function bootstrapPlan(values: Values): BootstrapPlan {
  const { namespace, kafka, database, grafana } = values;
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
    labels: labelsOf(BOOTSTRAP),
    authority: SECRETS.authority,
    servers: [
      ...(kafka.external
        ? []
        : [server(SECRETS.kafkaServer, SERVER_NAME, [hostOf('kafka', values), ...kafkaHosts(values)], true)]),
      ...(database.external ? [] : [server(SECRETS.databaseServer, 'database', [hostOf('database', values)], false)]),
    ],
    passwords: grafana.enabled ? [{ user: 'admin', secret: SECRETS.grafana }] : [],
    kafka: kafka.external
      ? null
      : {
          brokers: brokersOf(values),
          admin: { user: 'admin', secret: kafkaSecret('admin') },
          users: KAFKA_USERS.filter((user) => user !== 'admin').map((user) => ({
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
        },
    database: database.external
      ? null
      : {
          ...databaseOf(values),
          superuser: account('superuser'),
          owner: account('owner'),
          writer: account('writer'),
          reader: account('reader'),
          registry: account('registry'),
          certificate: SECRETS.databaseServer,
        },
  };
}

export function bootstrap(scope: Construct, values: Values): void {
  const plan = bootstrapPlan(values);
  const { kafka, database, image, namespace, roles } = values;
  const data = { 'plan.json': `${JSON.stringify(plan, null, 2)}\n` };
  const secrets = [plan.authority, ...plan.servers.map(({ secret }) => secret), ...secretsOf(plan)];
  serviceAccount(scope, NAME, BOOTSTRAP, namespace, [
    { apiGroup: '', resources: ['secrets'], names: secrets, verbs: ['get', 'update'] },
    // The name of what is not there yet cannot be asked for.
    { apiGroup: '', resources: ['secrets'], verbs: ['create'] },
  ]);
  configMap(scope, 'bootstrap-config', NAME, BOOTSTRAP, data);
  const common = {
    identity: BOOTSTRAP,
    image,
    ...MILLRACE_USER,
    args: ['bootstrap', '--plan', `${CONFIG}/plan.json`],
    mounts: [configMount('config', CONFIG, NAME)],
    resources: roles.setup,
    serviceAccount: NAME,
    graceSeconds: 10,
    backoffLimit: 10,
    deadlineSeconds: 600,
    ingress: [],
    egress: [
      ...(kafka.external ? [] : [{ peers: [{ pods: selectorOf(KAFKA) }], ports: [KAFKA_PORT] }]),
      ...(database.external ? [] : [{ peers: [{ pods: selectorOf(DATABASE) }], ports: [DATABASE_PORT] }]),
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

function secretsOf({ kafka, database, passwords }: BootstrapPlan): string[] {
  return [
    ...(kafka ? [kafka.admin, ...kafka.users] : []),
    ...(database ? [database.superuser, database.owner, database.writer, database.reader, database.registry] : []),
    ...passwords,
  ].map(({ secret }) => secret);
}
