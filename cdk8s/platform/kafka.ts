/** Kafka: one node, or three that copy each other, each broker and controller, with a volume of its own. */
import type { Construct } from 'constructs';
import { checksumOf } from '../constructs/checksum.ts';
import { configMap } from '../constructs/config.ts';
import { selectorOf } from '../constructs/labels.ts';
import { configMount, scratchMount, secretMount } from '../constructs/mounts.ts';
import { portProbes } from '../constructs/probes.ts';
import { service } from '../constructs/service.ts';
import { StatefulSetWorkload } from '../constructs/workload.ts';
import { IMAGES } from './images.ts';
import { ADMIN, BROKER_PORT, CONFIG, CONTROLLER_PORT, DATA, SERVER, serverProperties, startScript } from './kafkaConfig.ts';
import { BOOTSTRAP, KAFKA, KAFKA_NODES, KAFKA_PORT, kafkaSecret, SECRETS } from './names.ts';
import type { Values } from './values.ts';

/** Every pod that may connect as a client carries this label; who may do what, Kafka's ACLs say. */
export const KAFKA_CLIENT = { 'millrace.dev/kafka-client': 'true' };

const CONFIG_MAP = 'millrace-kafka';

export function kafka(scope: Construct, values: Values): void {
  const { nodes, storage, resources } = values.kafka;
  const data = { 'server.properties': serverProperties(values), 'start.sh': startScript(values) };
  configMap(scope, 'kafka-config', CONFIG_MAP, KAFKA, data);
  service(scope, 'kafka-bootstrap', { name: 'kafka', identity: KAFKA, ports: { clients: KAFKA_PORT } });
  const between = { brokers: BROKER_PORT, controller: CONTROLLER_PORT };
  service(scope, 'kafka-nodes', {
    name: KAFKA_NODES,
    identity: KAFKA,
    ports: { clients: KAFKA_PORT, ...between },
    headless: true,
  });
  const others = [{ peers: [{ pods: selectorOf(KAFKA) }], ports: Object.values(between) }];
  new StatefulSetWorkload(scope, 'kafka', {
    name: 'kafka',
    identity: KAFKA,
    ...IMAGES.kafka,
    command: ['/bin/sh', `${CONFIG}/start.sh`],
    env: {
      POD_NAME: { field: 'metadata.name' },
      // Of the memory limit, which Java asks the container for: the rest is for buffers outside of the heap.
      KAFKA_HEAP_OPTS: '-XX:InitialRAMPercentage=10 -XX:MaxRAMPercentage=45',
      LOG_DIR: '/tmp/logs',
    },
    ports: { clients: KAFKA_PORT, ...between },
    mounts: [
      { volume: 'data', path: DATA, subPath: 'data', readOnly: false, source: null },
      configMount('config', CONFIG, CONFIG_MAP),
      secretMount(SECRETS.kafkaServer, SERVER),
      secretMount(kafkaSecret('admin'), ADMIN),
      scratchMount('tmp', '/tmp', '64Mi'),
    ],
    resources,
    checksum: checksumOf(data),
    // A broker that has not caught up lets no client in, and lives: its controller listens already.
    probes: portProbes(CONTROLLER_PORT, { port: KAFKA_PORT }),
    replicas: nodes,
    service: KAFKA_NODES,
    claim: { volume: 'data', size: storage.size, storageClass: storage.class },
    // A clean end writes its logs' index, and the next start does not read them through.
    graceSeconds: 120,
    ingress: [{ peers: [{ pods: KAFKA_CLIENT }, { pods: selectorOf(BOOTSTRAP) }], ports: [KAFKA_PORT] }, ...others],
    egress: others,
  });
}
