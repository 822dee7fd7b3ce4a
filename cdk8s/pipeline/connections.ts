/** How a role finds and opens Kafka and the database: variables, mounted Secrets and flows (docs/decisions/0027). */
import { selectorOf } from '../constructs/labels.ts';
import { secretMount } from '../constructs/mounts.ts';
import type { Flow } from '../constructs/networkPolicy.ts';
import type { EnvSource, Mount } from '../constructs/pod.ts';
import { DATABASE_CLIENT } from '../platform/database.ts';
import { KAFKA_CLIENT } from '../platform/kafka.ts';
import {
  brokersOf,
  DATABASE,
  type DatabaseRole,
  databaseOf,
  databaseSecret,
  databaseUser,
  KAFKA,
  KAFKA_PORT,
  type KafkaUser,
  kafkaSecret,
} from '../platform/names.ts';
import type { Values } from '../platform/values.ts';

const KAFKA_FOLDER = '/etc/millrace/kafka';
const DATABASE_FOLDER = '/etc/millrace/database';

export interface Connection {
  env: Record<string, EnvSource>;
  mounts: Mount[];
  /** On the pod: lets it through the other side's NetworkPolicy. */
  labels: Record<string, string>;
  egress: Flow[];
}

export function kafkaConnection(user: KafkaUser, values: Values): Connection {
  return {
    env: {
      MILLRACE_KAFKA: brokersOf(values),
      MILLRACE_KAFKA_CA: `${KAFKA_FOLDER}/ca.crt`,
      MILLRACE_KAFKA_USER: user,
      MILLRACE_KAFKA_PASSWORD_FILE: `${KAFKA_FOLDER}/password`,
    },
    mounts: [secretMount(kafkaSecret(user), KAFKA_FOLDER)],
    labels: KAFKA_CLIENT,
    egress: [
      values.kafka.external ? { peers: ['anywhere'], ports: [] } : { peers: [{ pods: selectorOf(KAFKA) }], ports: [KAFKA_PORT] },
    ],
  };
}

export function databaseConnection(role: DatabaseRole, values: Values): Connection {
  const { host, port, name } = databaseOf(values);
  return {
    env: {
      MILLRACE_DATABASE_HOST: host,
      MILLRACE_DATABASE_PORT: String(port),
      MILLRACE_DATABASE_NAME: name,
      MILLRACE_DATABASE_USER: databaseUser(role),
      MILLRACE_DATABASE_PASSWORD_FILE: `${DATABASE_FOLDER}/password`,
      MILLRACE_DATABASE_CA: `${DATABASE_FOLDER}/ca.crt`,
    },
    mounts: [secretMount(databaseSecret(role), DATABASE_FOLDER)],
    labels: DATABASE_CLIENT,
    egress: [{ peers: values.database.external ? ['anywhere'] : [{ pods: selectorOf(DATABASE) }], ports: [port] }],
  };
}

/** Several connections of one pod. */
export function together(...connections: readonly Connection[]): Connection {
  return {
    env: Object.assign({}, ...connections.map(({ env }) => env)),
    mounts: connections.flatMap(({ mounts }) => mounts),
    labels: Object.assign({}, ...connections.map(({ labels }) => labels)),
    egress: connections.flatMap(({ egress }) => egress),
  };
}
