/** What every broker of this machine shares: the jars, the features that a formatted folder starts with, the class archive. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { copyFile, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { type ChildPlan, endChild, readIfThere, spawnChild, whenReady } from './child.ts';
import { waitForClaim } from './claim.ts';
import { findArchive, keepArchive } from './classArchive.ts';
import { millraceHome } from './home.ts';
import { findJava } from './java.ts';
import { randomKafkaId, serverProperties } from './kafkaConfig.ts';
import { ensureJars, kafkaSources, kafkaVersion } from './kafkaJars.ts';
import { freePorts } from './ports.ts';

export interface KafkaHome {
  java: string;
  /** What `kafka-storage format` leaves in a data folder beside meta.properties. */
  bootstrapCheckpoint: string;
  /** Java's arguments up to, not including, the main class. */
  javaArgs(heapMegabytes: number, logFile: string): string[];
}

const flags = [
  '-XX:TieredStopAtLevel=1',
  '-XX:+UseSerialGC',
  // Not a word about a class archive that does not fit.
  '-Xshare:auto',
  '-Xlog:disable',
  '-Xlog:all=error:stderr',
  `-Dlog4j2.configurationFile=${join(kafkaSources, 'log4j2.properties')}`,
];
const prepareTimeoutMs = 5 * 60_000;

/** Makes what is missing (the first time about 15 s, told through `say`) and gives what a broker starts with. */
export async function kafkaHome(say: (line: string) => void): Promise<KafkaHome> {
  const java = await findJava();
  const folder = join(millraceHome(), 'kafka', kafkaVersion);
  const checksums = await readFile(join(kafkaSources, 'jars.sha256'), 'utf8');
  const lib = await ensureJars({ folder, checksums, say });
  const bootstrapCheckpoint = join(folder, 'bootstrap.checkpoint');
  const archiveParts = [java.version, lib, checksums];
  const isPrepared = () => existsSync(bootstrapCheckpoint) && findArchive(folder, archiveParts) !== undefined;
  if (!isPrepared()) {
    const release = await waitForClaim(join(folder, 'prepare.lock'), prepareTimeoutMs, ({ pid }) =>
      say(`Waiting for process ${pid}, which is preparing Kafka`),
    );
    try {
      if (!isPrepared()) {
        say('Preparing Kafka for fast starts (only once)');
        const rehearsal = await rehearse(java.command, `${lib}/*`, folder);
        if (rehearsal.failure !== undefined)
          say(`Kafka will start a second slower, without a class archive: ${rehearsal.failure}`);
        keepArchive(folder, archiveParts, rehearsal.archive);
      }
    } finally {
      release();
    }
  }
  const archive = findArchive(folder, archiveParts);
  return {
    java: java.command,
    bootstrapCheckpoint,
    javaArgs: (heapMegabytes, logFile) => [
      '-Xms48m',
      `-Xmx${heapMegabytes}m`,
      ...flags,
      // A broker out of memory ends, instead of lingering half alive; what a crashed JVM writes goes beside its log.
      '-XX:+ExitOnOutOfMemoryError',
      `-XX:ErrorFile=${join(dirname(logFile), 'java-crash.log')}`,
      ...(archive === undefined ? [] : [`-XX:SharedArchiveFile=${archive}`]),
      `-Dmillrace.log.file=${logFile}`,
      '-cp',
      `${lib}/*`,
    ],
  };
}

/** Whether a fresh broker log says that the broker registered, was let in by the controller and listens. */
export function hasStarted(logFile: string): boolean {
  return readIfThere(logFile).includes('Kafka Server started');
}

interface Rehearsal {
  archive: string;
  /** Why there is no archive, if so. */
  failure: string | undefined;
}

/** Formats a throw-away data folder, keeps its bootstrap.checkpoint, and runs a broker on it that writes an archive as it ends. */
async function rehearse(java: string, classPath: string, keep: string): Promise<Rehearsal> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-rehearsal-'));
  try {
    const [clientPort = 0, controllerPort = 0] = await freePorts(2);
    const node = { id: 1, clientPort, controllerPort };
    const properties = join(folder, 'server.properties');
    await writeFile(properties, serverProperties(node, [node], join(folder, 'data'), {}));
    const log = join(folder, 'broker.log');
    const common = ['-Xmx256m', ...flags, `-Dmillrace.log.file=${log}`, '-cp', classPath];
    const format = [...common, 'kafka.tools.StorageTool', 'format', '-t', randomKafkaId(), '-c', properties];
    await promisify(execFile)(java, format, { timeout: 120_000 });
    await copyFile(join(folder, 'data', 'bootstrap.checkpoint'), join(keep, 'bootstrap.checkpoint.new'));
    await rename(join(keep, 'bootstrap.checkpoint.new'), join(keep, 'bootstrap.checkpoint'));
    const archive = join(keep, 'classes.new');
    const plan: ChildPlan = {
      name: 'Kafka (rehearsal)',
      command: java,
      args: [`-XX:ArchiveClassesAtExit=${archive}`, ...common, 'kafka.Kafka', properties],
      folder,
      outFile: join(folder, 'broker.out'),
      isReady: () => hasStarted(log),
      readyTimeoutMs: 120_000,
      logs: [log, join(folder, 'broker.out')],
      lastSignal: 'SIGKILL',
    };
    await rm(archive, { force: true });
    return { archive, failure: await writeArchive(plan, archive) };
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Gives why it failed: a start goes on without an archive. */
async function writeArchive(plan: ChildPlan, archive: string): Promise<string | undefined> {
  try {
    const broker = spawnChild(plan);
    await whenReady(broker, plan);
    await endChild(broker, 'SIGTERM', 60_000);
    // 128 + 15: ended in order by the signal.
    return broker.ended === 'exit code 143' && existsSync(archive) ? undefined : `its writer ended with ${broker.ended}`;
  } catch (error) {
    return (error as Error).message;
  }
}
