/** What a broker reads: its properties and the identity of its data folder. */
import { randomBytes } from 'node:crypto';

export interface KafkaNodePlan {
  id: number;
  clientPort: number;
  controllerPort: number;
  /** A second listener for clients, which tells them to come to another port. */
  proxied?: { port: number; as: number };
}

/** Settings of one node of a cluster, broker and controller in one process, on 127.0.0.1 only; `config` goes over them. */
export function serverProperties(
  node: KafkaNodePlan,
  cluster: readonly KafkaNodePlan[],
  dataFolder: string,
  config: Readonly<Record<string, string>>,
): string {
  const replicas = String(cluster.length);
  const { clientPort, controllerPort, proxied } = node;
  const behind = (port: 'port' | 'as'): string => (proxied === undefined ? '' : `,PROXIED://127.0.0.1:${proxied[port]}`);
  const properties: Record<string, string> = {
    'process.roles': 'broker,controller',
    'node.id': String(node.id),
    listeners: `PLAINTEXT://127.0.0.1:${clientPort},CONTROLLER://127.0.0.1:${controllerPort}${behind('port')}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${clientPort}${behind('as')}`,
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map':
      'PLAINTEXT:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT,SSL:SSL,SASL_SSL:SASL_SSL,CONTROLLER:PLAINTEXT,PROXIED:PLAINTEXT',
    'controller.quorum.voters': cluster.map((each) => `${each.id}@127.0.0.1:${each.controllerPort}`).join(','),
    'log.dirs': dataFolder,
    // A misspelt topic is an error, not a new topic.
    'auto.create.topics.enable': 'false',
    'default.replication.factor': replicas,
    'min.insync.replicas': cluster.length === 3 ? '2' : '1',
    'offsets.topic.replication.factor': replicas,
    'offsets.topic.num.partitions': '1',
    'transaction.state.log.replication.factor': replicas,
    'transaction.state.log.min.isr': cluster.length === 3 ? '2' : '1',
    'transaction.state.log.num.partitions': '1',
    'share.coordinator.state.topic.replication.factor': replicas,
    'share.coordinator.state.topic.min.isr': cluster.length === 3 ? '2' : '1',
    'share.coordinator.state.topic.num.partitions': '1',
    'group.initial.rebalance.delay.ms': '0',
    // The default takes 128 MB of heap.
    'log.cleaner.dedupe.buffer.size': '2097152',
    // A broker that comes back after SIGKILL waits for the end of its former session.
    'broker.session.timeout.ms': '2000',
    'broker.heartbeat.interval.ms': '666',
    ...config,
  };
  return Object.entries(properties)
    .map(([name, value]) => `${name}=${escapeValue(value)}\n`)
    .join('');
}

/** The file by which a data folder says whose it is, as `kafka-storage format` writes it. */
export function metaProperties(clusterId: string, nodeId: number): string {
  return `version=1\ncluster.id=${clusterId}\nnode.id=${nodeId}\ndirectory.id=${randomKafkaId()}\n`;
}

/** A random Kafka Uuid: 16 bytes in base64url; a leading dash would read as an option on command lines. */
export function randomKafkaId(): string {
  const id = randomBytes(16).toString('base64url');
  return id.startsWith('-') ? randomKafkaId() : id;
}

/** java.util.Properties reads Latin-1, takes backslashes as escapes and drops blanks before a value. */
function escapeValue(value: string): string {
  const code = (char: string) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return value.replace(/\\|^\s|[^ -~]/g, (char) => (char === '\\' ? '\\\\' : code(char)));
}
