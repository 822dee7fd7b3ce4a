/**
 * How a Kafka node is configured and started. Clients come by TLS and SCRAM-SHA-512; nodes know each other by the
 * certificate of the bootstrap's authority. Who has no ACL may do nothing.
 */
import { KAFKA_PORT, kafkaHosts } from './names.ts';
import type { Values } from './values.ts';

export const CONTROLLER_PORT = 9093;
export const BROKER_PORT = 9094;

export const DATA = '/var/lib/kafka/data';
export const CONFIG = '/etc/millrace/config';
export const SERVER = '/etc/millrace/server';
/** The bootstrap lets brokers read it again when it was renewed. */
export const KEYSTORE = `${SERVER}/keystore.pem`;
export const ADMIN = '/etc/millrace/admin';
/** Of the certificate that all nodes show each other. */
export const SERVER_NAME = 'kafka';

/** Of every node; what differs from node to node is added when it starts. */
export function serverProperties(values: Values): string {
  const { nodes } = values.kafka;
  const voters = kafkaHosts(values).map((host, node) => `${node}@${host}:${CONTROLLER_PORT}`);
  const copies = Math.min(nodes, 3);
  const safe = copies > 1 ? 2 : 1;
  const settings: Record<string, string | number | boolean> = {
    'process.roles': 'broker,controller',
    'controller.quorum.voters': voters.join(','),
    'controller.listener.names': 'CONTROLLER',
    listeners: `CLIENTS://:${KAFKA_PORT},BROKERS://:${BROKER_PORT},CONTROLLER://:${CONTROLLER_PORT}`,
    'inter.broker.listener.name': 'BROKERS',
    'listener.security.protocol.map': 'CLIENTS:SASL_SSL,BROKERS:SSL,CONTROLLER:SSL',
    'sasl.enabled.mechanisms': 'SCRAM-SHA-512',
    'listener.name.clients.scram-sha-512.sasl.jaas.config': 'org.apache.kafka.common.security.scram.ScramLoginModule required;',
    'listener.name.brokers.ssl.client.auth': 'required',
    'listener.name.controller.ssl.client.auth': 'required',
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.location': KEYSTORE,
    'ssl.truststore.type': 'PEM',
    'ssl.truststore.location': `${SERVER}/ca.crt`,
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    'allow.everyone.if.no.acl.found': false,
    'super.users': `User:admin;User:CN=${SERVER_NAME}`,
    'log.dirs': `${DATA}/log`,
    'auto.create.topics.enable': false,
    'default.replication.factor': copies,
    'min.insync.replicas': safe,
    'offsets.topic.replication.factor': copies,
    'offsets.topic.num.partitions': 10,
    'transaction.state.log.replication.factor': copies,
    'transaction.state.log.min.isr': safe,
    'transaction.state.log.num.partitions': 10,
    'group.initial.rebalance.delay.ms': 500,
    // The default takes 128 MB of heap.
    'log.cleaner.dedupe.buffer.size': 16_777_216,
  };
  return Object.entries(settings)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('');
}

/**
 * Makes the node's settings, formats an empty volume with the first user, and becomes Kafka. The number of nodes is
 * written on the volume: the voters of a quorum cannot be changed by changing a setting, so another number is refused.
 */
export function startScript(values: Values): string {
  const hosts = kafkaHosts(values).map((host) => host.slice(host.indexOf('.') + 1));
  return `#!/bin/sh
set -eu
umask 077
node=\${POD_NAME##*-}
host="$POD_NAME.${hosts[0]}"
if [ -f ${DATA}/nodes ] && [ "$(cat ${DATA}/nodes)" != ${values.kafka.nodes} ]; then
  echo "this volume is of a Kafka of $(cat ${DATA}/nodes) nodes; kafka.nodes is ${values.kafka.nodes}. Set it back: the number of nodes of an installed Kafka cannot be changed" >&2
  exit 1
fi
properties=/tmp/server.properties
{
  cat ${CONFIG}/server.properties
  echo "node.id=$node"
  echo "advertised.listeners=CLIENTS://$host:${KAFKA_PORT},BROKERS://$host:${BROKER_PORT}"
} >$properties
/opt/kafka/bin/kafka-storage.sh format --ignore-formatted --config $properties \\
  --cluster-id="$(cat ${SERVER}/cluster-id)" \\
  --add-scram="SCRAM-SHA-512=[name=admin,password=$(cat ${ADMIN}/password)]"
echo ${values.kafka.nodes} >${DATA}/nodes
exec /opt/kafka/bin/kafka-run-class.sh kafka.Kafka $properties
`;
}
