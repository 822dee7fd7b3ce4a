/** How a role finds and opens Kafka and the database: variables, mounted Secrets and flows (docs/decisions/0027). */
import { selectorOf } from '../constructs/labels.ts';
import { secretMount } from '../constructs/mounts.ts';
import type { Flow } from '../constructs/networkPolicy.ts';
import type { EnvSource, Mount } from '../constructs/pod.ts';
import { DATABASE_CLIENT } from '../platform/database.ts';
import { databaseFlow, databaseMount, databaseOf } from '../platform/databasePeer.ts';
import { KAFKA_CLIENT } from '../platform/kafka.ts';
import { brokersOf, kafkaFlow, kafkaLogin } from '../platform/kafkaPeer.ts';
import { MQTT_CLIENT } from '../platform/mosquitto.ts';
import {
  type DatabaseRole,
  databaseUser,
  type KafkaUser,
  MOSQUITTO,
  MQTT_ROLES_PORT,
  type MqttRole,
  mqttOf,
  mqttSecret,
} from '../platform/names.ts';
import type { Values } from '../platform/values.ts';

const KAFKA_FOLDER = '/etc/millrace/kafka';
const MQTT_FOLDER = '/etc/millrace/mqtt';
const DATABASE_FOLDER = '/etc/millrace/database';

export interface Connection {
  env: Record<string, EnvSource>;
  mounts: Mount[];
  /** On the pod: lets it through the other side's NetworkPolicy. */
  labels: Record<string, string>;
  egress: Flow[];
}

export function kafkaConnection(user: KafkaUser, values: Values): Connection {
  const { env, mount } = kafkaLogin(user, KAFKA_FOLDER, values);
  return {
    env: { MILLRACE_KAFKA: brokersOf(values), ...env },
    mounts: [mount],
    labels: KAFKA_CLIENT,
    egress: [kafkaFlow(values)],
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
    mounts: [databaseMount(role, DATABASE_FOLDER, values)],
    labels: DATABASE_CLIENT,
    egress: [databaseFlow(values)],
  };
}

/** To the MQTT broker, as a role of it. */
export function mqttConnection(role: MqttRole, values: Values): Connection {
  return {
    env: {
      MILLRACE_MQTT: mqttOf(values),
      MILLRACE_MQTT_CA: `${MQTT_FOLDER}/ca.crt`,
      MILLRACE_MQTT_CERT: `${MQTT_FOLDER}/tls.crt`,
      MILLRACE_MQTT_KEY: `${MQTT_FOLDER}/tls.key`,
    },
    mounts: [secretMount(mqttSecret(role), MQTT_FOLDER)],
    labels: MQTT_CLIENT,
    egress: [
      values.mqtt.external
        ? { peers: ['anywhere'], ports: [] }
        : { peers: [{ pods: selectorOf(MOSQUITTO) }], ports: [MQTT_ROLES_PORT] },
    ],
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
