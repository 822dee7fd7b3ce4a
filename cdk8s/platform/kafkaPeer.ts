/** Which Kafka there is, and how others find it, get in and are let there: our own, one of Strimzi, or one of somebody else. */
import { selectorOf } from '../constructs/labels.ts';
import { secretKeysMount, secretMount } from '../constructs/mounts.ts';
import type { Flow } from '../constructs/networkPolicy.ts';
import type { Mount } from '../constructs/pod.ts';
import { hostOf, KAFKA, KAFKA_PORT, type KafkaUser, kafkaSecret } from './names.ts';
import type { Values } from './values.ts';

export const isOwnKafka = ({ kafka }: Values): boolean => kafka.external === undefined && kafka.strimzi === undefined;

/** Where clients find it: host:port, several with commas between. */
export function brokersOf(values: Values): string {
  const { external, strimzi } = values.kafka;
  if (strimzi) return `${strimzi.cluster}-kafka-bootstrap.${strimzi.namespace ?? values.namespace}.svc:${strimzi.port}`;
  return external?.brokers ?? `${hostOf('kafka', values)}:${KAFKA_PORT}`;
}

/** From a client to it. */
export function kafkaFlow({ kafka: { external, strimzi } }: Values): Flow {
  if (strimzi) {
    // As Strimzi labels its brokers.
    const pods = { 'strimzi.io/cluster': strimzi.cluster, 'strimzi.io/name': `${strimzi.cluster}-kafka` };
    const { namespace } = strimzi;
    return { peers: [{ pods, ...(namespace === undefined ? {} : { namespace }) }], ports: [strimzi.port] };
  }
  return external ? { peers: ['anywhere'], ports: [] } : { peers: [{ pods: selectorOf(KAFKA) }], ports: [KAFKA_PORT] };
}

export interface KafkaLogin {
  env: Record<string, string>;
  mount: Mount;
}

/** How a user logs in, and what it knows the brokers by. @param folder where its files are */
export function kafkaLogin(user: KafkaUser, folder: string, { kafka: { strimzi } }: Values): KafkaLogin {
  const secret = kafkaSecret(user);
  const ca = { MILLRACE_KAFKA_CA: `${folder}/ca.crt` };
  const password = { ...ca, MILLRACE_KAFKA_USER: user, MILLRACE_KAFKA_PASSWORD_FILE: `${folder}/password` };
  if (!strimzi) return { env: password, mount: secretMount(secret, folder) };
  const authority = { secret: `${strimzi.cluster}-cluster-ca-cert`, keys: ['ca.crt'] };
  const mountOf = (...keys: string[]): Mount => secretKeysMount(secret, folder, [{ secret, keys }, authority]);
  if (strimzi.authentication === 'scram-sha-512')
    return { env: { ...password, MILLRACE_KAFKA_USER: secret }, mount: mountOf('password') };
  const certificate = { MILLRACE_KAFKA_CERT: `${folder}/user.crt`, MILLRACE_KAFKA_KEY: `${folder}/user.key` };
  return { env: { ...ca, ...certificate }, mount: mountOf('user.crt', 'user.key') };
}
