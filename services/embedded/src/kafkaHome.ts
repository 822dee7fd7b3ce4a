/**
 * What every broker of this machine shares: the jars, the cluster features that a formatted folder starts with,
 * and a class archive (AppCDS) that halves the JVM's start.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type ChildPlan, endChild, readIfThere, spawnChild, whenReady } from './child.ts';
import { waitForClaim } from './claim.ts';
import { millraceHome } from './home.ts';
import { findJava } from './java.ts';
import { randomKafkaId, serverProperties } from './kafkaConfig.ts';
import { ensureJars, kafkaSources, kafkaVersion } from './kafkaJars.ts';
import { freePorts } from './ports.ts';

export interface KafkaHome {
  java: string;
  /** What `kafka-storage format` leaves in a data folder beside meta.properties. */
  bootstrapCheckpoint: string;
  /** Java arguments up to, not including, the main class. */
  javaArgs(heapMegabytes: number, logFile: string): string[];
}

const flags = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Djava.awt.headless=true'];
const log4j = `-Dlog4j2.configurationFile=${join(kafkaSources, 'log4j2.properties')}`;
const run = promisify(execFile);

/** Makes what is missing (the first time: about 15 s, told through `say`) and gives what a broker starts with. */
export async function kafkaHome(say: (line: string) => void): Promise<KafkaHome> {
  const java = await findJava();
  const folder = join(millraceHome(), 'kafka', kafkaVersion);
  const checksums = await readFile(join(kafkaSources, 'jars.sha256'), 'utf8');
  const lib = await ensureJars({ folder, checksums, say });
  const bootstrapCheckpoint = join(folder, 'bootstrap.checkpoint');
  const archive = join(
    folder,
    `classes-${createHash('sha256').update(`${java.version}\n${lib}\n${checksums}`).digest('hex').slice(0, 12)}.jsa`,
  );
  const classPath = `${lib}/*`;
  if (!existsSync(bootstrapCheckpoint) || !existsSync(archive)) {
    const release = await waitForClaim(join(folder, 'prepare.lock'), 5 * 60_000, ({ pid }) =>
      say(`Waiting for process ${pid}, which is preparing Kafka`),
    );
    try {
      if (!existsSync(bootstrapCheckpoint) || !existsSync(archive)) {
        say('Preparing Kafka for fast starts (only once)');
        await rehearse(java.command, classPath, bootstrapCheckpoint, archive, say);
      }
    } finally {
      release();
    }
  }
  return {
    java: java.command,
    bootstrapCheckpoint,
    javaArgs: (heapMegabytes, logFile) => [
      '-Xms48m',
      `-Xmx${heapMegabytes}m`,
      ...flags,
      // Archives that do not fit (another Java, moved jars) are passed over by the JVM, not fatal; keep it quiet about them.
      `-XX:SharedArchiveFile=${archive}`,
      '-Xshare:auto',
      '-Xlog:disable',
      '-Xlog:all=error:stderr',
      log4j,
      `-Dmillrace.log.file=${logFile}`,
      '-cp',
      classPath,
    ],
  };
}

/** Formats a throw-away data folder and runs a broker on it that writes the class archive as it ends. */
async function rehearse(
  java: string,
  classPath: string,
  bootstrapCheckpoint: string,
  archive: string,
  say: (line: string) => void,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-rehearsal-'));
  try {
    const [clientPort = 0, controllerPort = 0] = await freePorts(2);
    const node = { id: 1, clientPort, controllerPort };
    const properties = join(folder, 'server.properties');
    await writeFile(properties, serverProperties(node, [node], join(folder, 'data'), {}));
    const common = ['-Xmx256m', ...flags, log4j, `-Dmillrace.log.file=${join(folder, 'broker.log')}`];
    await run(java, [...common, '-cp', classPath, 'kafka.tools.StorageTool', 'format', '-t', randomKafkaId(), '-c', properties], {
      timeout: 120_000,
    });
    await copyFile(join(folder, 'data', 'bootstrap.checkpoint'), `${bootstrapCheckpoint}.new`);
    await rename(`${bootstrapCheckpoint}.new`, bootstrapCheckpoint);
    await writeArchive(java, [...common, '-cp', classPath, 'kafka.Kafka', properties], folder, archive).catch(
      async (error: Error) => {
        say(`Kafka will start a second slower: its class archive could not be made (${error.message})`);
        await writeFile(archive, '');
      },
    );
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function writeArchive(java: string, args: string[], folder: string, archive: string): Promise<void> {
  const plan: ChildPlan = {
    name: 'Kafka (rehearsal)',
    command: java,
    args: [`-XX:ArchiveClassesAtExit=${archive}.new`, ...args],
    folder,
    outFile: join(folder, 'broker.out'),
    isReady: () => hasStarted(join(folder, 'broker.log')),
    readyTimeoutMs: 120_000,
    logs: [join(folder, 'broker.log'), join(folder, 'broker.out')],
    lastSignal: 'SIGKILL',
  };
  const broker = spawnChild(plan);
  await whenReady(broker, plan);
  await endChild(broker, 'SIGTERM', 60_000);
  await rename(`${archive}.new`, archive);
}

/** Whether a fresh broker log says that the broker registered, was let in by the controller and listens. */
export function hasStarted(logFile: string): boolean {
  return readIfThere(logFile).includes('Kafka Server started');
}
