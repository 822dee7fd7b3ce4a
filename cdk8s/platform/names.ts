/** Names and addresses of the platform's objects, which its own parts, the Pipelines and the bootstrap agree on. */
import type { Identity } from '../constructs/labels.ts';
import type { Values } from './values.ts';

export const KAFKA_PORT = 9092;
export const DATABASE_PORT = 5432;
export const METRICS_PORT = 8080;
/** Of the Kubernetes API, as a Service and as it is behind that. */
export const API_PORTS = [443, 6443];
/** Of the MQTT broker: for devices, and for roles. */
export const MQTT_DEVICES_PORT = 8883;
export const MQTT_ROLES_PORT = 8884;
/** Certificates of devices and commands to them, over HTTP. */
export const DEVICES_PORT = 8091;

/** Users of Kafka, each with a Secret `millrace-kafka-<user>`. */
export const KAFKA_USERS = ['admin', 'setup', 'producer', 'processor', 'sink'] as const;
export type KafkaUser = (typeof KAFKA_USERS)[number];

/** Those of the roles: all but the administrator, which only our own Kafka has. */
export const KAFKA_CLIENTS = ['setup', 'producer', 'processor', 'sink'] as const satisfies KafkaUser[];

/** Roles of the database, each with a Secret `millrace-database-<role>`; superuser is PostgreSQL's own. */
export const DATABASE_ROLES = ['superuser', 'owner', 'writer', 'reader', 'registry'] as const;
export type DatabaseRole = (typeof DATABASE_ROLES)[number];

/** Strimzi names a user's Secret after the user. */
export const kafkaSecret = (user: KafkaUser): string => `millrace-kafka-${user}`;
export const databaseSecret = (role: DatabaseRole): string => `millrace-database-${role}`;
/** How the database knows a role. */
export const databaseUser = (role: DatabaseRole): string => (role === 'superuser' ? 'postgres' : `millrace_${role}`);

export const SECRETS = {
  authority: 'millrace-ca',
  kafkaServer: 'millrace-kafka-server',
  databaseServer: 'millrace-database-server',
  grafana: 'millrace-grafana-admin',
  deviceAuthority: 'millrace-device-ca',
  mqttServer: 'millrace-mqtt-server',
  provisioningTokens: 'millrace-device-provisioning',
  commandTokens: 'millrace-device-commands',
} as const;

/** Clients of the MQTT broker, each with a Secret `millrace-mqtt-<role>`. */
export const MQTT_ROLES = ['producer', 'commands'] as const;
export type MqttRole = (typeof MQTT_ROLES)[number];
export const mqttSecret = (role: MqttRole): string => `millrace-mqtt-${role}`;

export const KAFKA: Identity = { name: 'kafka', instance: 'platform', component: 'broker' };
export const DATABASE: Identity = { name: 'timescaledb', instance: 'platform', component: 'database' };
export const PROMETHEUS: Identity = { name: 'prometheus', instance: 'platform', component: 'prometheus' };
export const ALERTMANAGER: Identity = { name: 'alertmanager', instance: 'platform', component: 'alertmanager' };
export const GRAFANA: Identity = { name: 'grafana', instance: 'platform', component: 'grafana' };
export const MOSQUITTO: Identity = { name: 'mosquitto', instance: 'platform', component: 'mqtt-broker' };
export const DEVICES: Identity = { name: 'millrace', instance: 'platform', component: 'devices' };
export const BOOTSTRAP: Identity = { name: 'millrace', instance: 'platform', component: 'bootstrap' };

/** Headless: the pods of the role devices, ready or not. */
export const DEVICES_NODES = 'devices-nodes';
/** Headless: `kafka-0.kafka-nodes`. */
export const KAFKA_NODES = 'kafka-nodes';

/** A name that works from every namespace, and stands in the certificate. */
export const hostOf = (service: string, { namespace }: Values): string => `${service}.${namespace}.svc`;
/** Addresses of one Kafka node each. */
export const kafkaHosts = (values: Values): string[] =>
  Array.from({ length: values.kafka.nodes }, (_, node) => `kafka-${node}.${hostOf(KAFKA_NODES, values)}`);

/** Where devices find the MQTT broker, as seen from inside of the cluster; undefined: somebody else's, who does not say. */
export function mqttDevicesOf(values: Values): string | undefined {
  const { external } = values.mqtt;
  return external ? external.devices : `mqtts://${hostOf('mqtt', values)}:${MQTT_DEVICES_PORT}`;
}

/** Where roles find the MQTT broker. */
export function mqttOf(values: Values): string {
  return values.mqtt.external?.url ?? `mqtts://${hostOf('mqtt', values)}:${MQTT_ROLES_PORT}`;
}
