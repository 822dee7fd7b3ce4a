/** A real Apache Kafka broker (KRaft) as child processes, for laptops and tests. */
export interface KafkaNode {
  id: number;
  pid: number;
  kill(signal: NodeJS.Signals): void;
  /** Starts the node again after it ended, on the same port with the same data. */
  start(): Promise<void>;
  exited: Promise<void>;
}

export interface EmbeddedKafka {
  brokers: string[];
  nodes: KafkaNode[];
  stop(): Promise<void>;
}

export interface KafkaOptions {
  /** Default: a temporary one, which stop() removes. */
  folder?: string;
  nodes?: 1 | 3;
  /** Client ports by node. Default: free ones. */
  ports?: number[];
  config?: Record<string, string>;
}

export async function startKafka(_options: KafkaOptions = {}): Promise<EmbeddedKafka> {
  throw new Error('not built yet');
}
