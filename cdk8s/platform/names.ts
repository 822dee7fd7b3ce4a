/** Names and addresses of the platform's objects, which its own parts, the Pipelines and the bootstrap agree on. */
import type { Identity } from '../constructs/labels.ts';
import type { Values } from './values.ts';

export const KAFKA_PORT = 9092;
export const DATABASE_PORT = 5432;
export const METRICS_PORT = 8080;

/** Users of Kafka, each with a Secret `millrace-kafka-<user>`. */
export const KAFKA_USERS = ['admin', 'setup', 'producer', 'processor', 'sink'] as const;
export type KafkaUser = (typeof KAFKA_USERS)[number];

/** Roles of the database, each with a Secret `millrace-database-<role>`; superuser is PostgreSQL's own. */
export const DATABASE_ROLES = ['superuser', 'owner', 'writer', 'reader', 'registry'] as const;
export type DatabaseRole = (typeof DATABASE_ROLES)[number];

export const kafkaSecret = (user: KafkaUser): string => `millrace-kafka-${user}`;
export const databaseSecret = (role: DatabaseRole): string => `millrace-database-${role}`;
/** How the database knows a role. */
export const databaseUser = (role: DatabaseRole): string => (role === 'superuser' ? 'postgres' : `millrace_${role}`);

export const SECRETS = {
  authority: 'millrace-ca',
  kafkaServer: 'millrace-kafka-server',
  databaseServer: 'millrace-database-server',
  grafana: 'millrace-grafana-admin',
} as const;

export const KAFKA: Identity = { name: 'kafka', instance: 'platform', component: 'broker' };
export const DATABASE: Identity = { name: 'timescaledb', instance: 'platform', component: 'database' };
export const PROMETHEUS: Identity = { name: 'prometheus', instance: 'platform', component: 'prometheus' };
export const ALERTMANAGER: Identity = { name: 'alertmanager', instance: 'platform', component: 'alertmanager' };
export const GRAFANA: Identity = { name: 'grafana', instance: 'platform', component: 'grafana' };
export const BOOTSTRAP: Identity = { name: 'millrace', instance: 'platform', component: 'bootstrap' };

/** Headless: `kafka-0.kafka-nodes`. */
export const KAFKA_NODES = 'kafka-nodes';

/** A name that works from every namespace, and stands in the certificate. */
export const hostOf = (service: string, { namespace }: Values): string => `${service}.${namespace}.svc`;
/** Addresses of one Kafka node each. */
export const kafkaHosts = (values: Values): string[] =>
  Array.from({ length: values.kafka.nodes }, (_, node) => `kafka-${node}.${hostOf(KAFKA_NODES, values)}`);

/** Where clients find Kafka: host:port, several with commas between. */
export function brokersOf(values: Values): string {
  return values.kafka.external?.brokers ?? `${hostOf('kafka', values)}:${KAFKA_PORT}`;
}

/** Where clients find the database. */
export function databaseOf(values: Values): { host: string; port: number; name: string } {
  const { external, name } = values.database;
  return { host: external?.host ?? hostOf('database', values), port: external?.port ?? DATABASE_PORT, name };
}
