/**
 * A real Apache Kafka broker (KRaft) as child processes, for laptops and tests.
 *
 * Listens on 127.0.0.1 only, creates no topic by itself, keeps its data between starts on the same folder.
 */
import { readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { endOrphan, readIfThere } from './child.ts';
import { ownFolder } from './folder.ts';
import { type KafkaNodePlan, metaProperties, randomKafkaId, serverProperties } from './kafkaConfig.ts';
import { kafkaHome } from './kafkaHome.ts';
import { format, type KafkaNode, kafkaNode } from './kafkaNode.ts';
import { demandFree, freePorts } from './ports.ts';

export type { KafkaNode };

export interface EmbeddedKafka {
  /** `127.0.0.1:port`, one per node. */
  brokers: string[];
  nodes: KafkaNode[];
  /** Ends all nodes, also killed or frozen ones, and removes a temporary folder. Safe to call twice. */
  stop(): Promise<void>;
}

export interface KafkaOptions {
  /** Default: a temporary one, which stop() removes. */
  folder?: string;
  /** Default 1. A folder keeps the number that it was made with. */
  nodes?: 1 | 3;
  /** Client ports by node. Default: free ones. */
  ports?: number[];
  /**
   * By node, a second listener for clients: on `port`, telling them to come to `as` of 127.0.0.1, where a proxy stands.
   * The brokers themselves, and clients of `brokers`, do not use it.
   */
  proxied?: { port: number; as: number }[];
  /** Broker properties, over the ones of kafkaConfig.ts. */
  config?: Record<string, string>;
  /** The most heap that a node takes. Default 256; a small load runs in 128. */
  heapMegabytes?: number;
  /** Gets progress that a person waits for. Default: a line on stderr. */
  say?: (line: string) => void;
}

const orphanPatienceMs = 8_000;

/**
 * Starts one broker, or three that replicate to each other, and resolves when all take requests. The first start on a
 * machine fetches Kafka. Throws a sentence with the place and, where a broker died, its last log lines.
 */
export async function startKafka(options: KafkaOptions = {}): Promise<EmbeddedKafka> {
  const say = options.say ?? ((line) => process.stderr.write(`${line}\n`));
  const count = options.nodes ?? 1;
  const heapMegabytes = options.heapMegabytes ?? 256;
  if (options.ports !== undefined && options.ports.length !== count) {
    throw new Error(`startKafka: ${options.ports.length} ports given for ${count} nodes; allowed is one port per node`);
  }
  if (options.proxied !== undefined && options.proxied.length !== count) {
    throw new Error(`startKafka: ${options.proxied.length} proxied listeners given for ${count} nodes; allowed is one per node`);
  }
  const home = await kafkaHome(say);
  const folder = await ownFolder('millrace-kafka', options.folder, endOrphans);
  try {
    const cluster = await planCluster(folder.path, count, options);
    const nodes = cluster.nodes.map((plan) => {
      const nodeFolder = join(folder.path, `node-${plan.id}`);
      const properties = serverProperties(plan, cluster.nodes, join(nodeFolder, 'data'), options.config ?? {});
      format(nodeFolder, metaProperties(cluster.id, plan.id), properties, home.bootstrapCheckpoint);
      return kafkaNode(
        plan.id,
        nodeFolder,
        home.java,
        home.javaArgs(heapMegabytes, join(nodeFolder, 'broker.log')),
        folder.temporary,
      );
    });
    let stopping: Promise<void> | undefined;
    const stop = async () => {
      await Promise.all(nodes.map((node) => node.end()));
      await folder.close();
    };
    try {
      await allOrFirstError(nodes.map((node) => node.start()));
    } catch (error) {
      await Promise.all(nodes.map((node) => node.end()));
      throw error;
    }
    return {
      brokers: cluster.nodes.map((plan) => `127.0.0.1:${plan.clientPort}`),
      nodes,
      stop: () => {
        stopping ??= stop();
        return stopping;
      },
    };
  } catch (error) {
    await folder.close();
    throw error;
  }
}

/** Waits for all to settle, so that none goes on behind an error. */
async function allOrFirstError(starts: Promise<void>[]): Promise<void> {
  for (const result of await Promise.allSettled(starts)) if (result.status === 'rejected') throw result.reason;
}

/** The plan of a folder's cluster; the first start decides its id and its number of nodes. */
async function planCluster(
  folder: string,
  count: number,
  { ports, proxied }: Pick<KafkaOptions, 'ports' | 'proxied'>,
): Promise<{ id: string; nodes: KafkaNodePlan[] }> {
  const file = join(folder, 'cluster.json');
  const text = readIfThere(file);
  const kept: { id: string; nodes: number } = text === '' ? { id: randomKafkaId(), nodes: count } : JSON.parse(text);
  if (kept.nodes !== count) {
    throw new Error(
      `${folder} holds a Kafka cluster of ${kept.nodes} node(s), which cannot become one of ${count}; give another folder`,
    );
  }
  writeFileSync(`${file}.new`, JSON.stringify(kept));
  renameSync(`${file}.new`, file);
  for (const port of ports ?? []) await demandFree(port, 'Kafka');
  const free = await freePorts(2 * count);
  const nodes = Array.from({ length: count }, (_, index) => ({
    id: index + 1,
    clientPort: ports?.[index] ?? Number(free[index]),
    controllerPort: Number(free[count + index]),
    ...(proxied?.[index] && { proxied: proxied[index] }),
  }));
  return { id: kept.id, nodes };
}

async function endOrphans(folder: string): Promise<void> {
  const nodes = readdirSync(folder).filter((name) => name.startsWith('node-'));
  await Promise.all(nodes.map((name) => endOrphan(join(folder, name), 'SIGTERM', orphanPatienceMs)));
}
