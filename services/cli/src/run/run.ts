/**
 * `millrace run`: servers, set-up, one kept process per role, and an end in the order of the flow.
 *
 * Invariants:
 * - One run at a time has a data folder.
 * - Whatever happens after something was started, it is stopped: producer, processor, sink, then the database and Kafka.
 */
import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DEFAULT_HTTP_PORT } from '@millrace/core/spec/defaults.ts';
import type { LoadedPipeline } from '@millrace/core/spec/load.ts';
import { namesOf } from '@millrace/core/spec/names.ts';
import { meansOwnBroker } from '@millrace/core/spec/ownBroker.ts';
import { claim, type Release } from '@millrace/embedded/claim.ts';
import { freePorts } from '@millrace/embedded/ports.ts';
import { importFiles } from '@millrace/registry/import.ts';
import { setupPipeline } from '@millrace/setup/setup.ts';
import type { Logger } from 'pino';
import { fileLog } from '../log.ts';
import type { ServerOptions } from '../servers/options.ts';
import { closeServers, connectServers, environmentOf } from '../servers.ts';
import { boolCounts, type Servers } from '../status/collect.ts';
import { clientEnvironment, startClients } from './clients.ts';
import { greeting, httpLines, mqttLines } from './greeting.ts';
import { type Overrides, withOverrides } from './overrides.ts';
import { OWN_BROKER, startPlatform } from './platform.ts';
import { type OnceReport, onceReport } from './report.ts';
import { type RunningRole, startRoles } from './roles.ts';
import { ROLE_NAMES } from './roleTable.ts';
import type { Screen } from './screen.ts';
import { publishState } from './state.ts';
import { type Outcome, watch } from './watch.ts';

/** Longer than a role that was killed needs to come back and have its partitions assigned again. */
const PATIENCE_MS = 90_000;
const LOOK_MS = 200;

export interface RunOptions extends ServerOptions {
  once?: true;
  httpPort?: number;
  secrets?: string;
  mqttBroker?: string;
  /** Files of the device registry. */
  registry?: string[];
  /** Programs that send to the sources of HTTP and MQTT. */
  client?: string[];
}

export interface RunPlan {
  pipelines: readonly LoadedPipeline[];
  files: readonly string[];
  /** Options that the roles' processes need as well. */
  words: readonly string[];
  options: RunOptions;
  screen: Screen;
  /** Aborted by the first signal. */
  signal: AbortSignal;
}

/**
 * @returns the reports of a finished `--once`; null where the run was ended by a signal
 * @throws Error where something does not start, or `--once` gets nowhere
 */
export async function runAll({ files, words, options, screen, signal, ...plan }: RunPlan): Promise<OnceReport[] | null> {
  const folder = resolve(options.data);
  await using stack = new AsyncDisposableStack();
  stack.defer(await takeFolder(folder));
  const logFile = (name: string): string => join(folder, 'logs', `${name}.log`);
  for (const name of ['run', 'client', ...ROLE_NAMES]) keepOldLog(logFile(name));
  const log = fileLog(logFile('run'));

  // Like Kafka and the database: started where one is needed and none is given.
  const startsBroker =
    options.mqttBroker === undefined
      ? plan.pipelines.some(({ pipeline }) => meansOwnBroker(pipeline))
      : options.mqttBroker === OWN_BROKER;
  const mqttPort = !startsBroker ? null : options.once ? 'any' : 'usual';
  const platform = await startPlatform({ servers: options, mqttPort, dataFolder: folder, say: screen.say, log });
  stack.defer(() => platform.stop());
  const mqttBroker = platform.mqttBroker?.url;
  const mqtt: Overrides =
    mqttBroker === undefined ? {} : options.mqttBroker === OWN_BROKER ? { mqttBroker } : { platformBroker: mqttBroker };
  const pipelines = plan.pipelines.map((loaded) => ({
    ...loaded,
    pipeline: withOverrides(loaded.pipeline, mqtt),
  }));
  if (signal.aborted) return null;
  const servers = await connectServers(platform.addresses, log);
  stack.defer(() => closeServers(servers));
  for (const loaded of pipelines) await setUp(loaded, servers, log, screen);
  if (options.registry) await importFiles(servers.database, options.registry, { whole: false, dryRun: false });
  if (signal.aborted) return null;

  const { kafka, database } = platform.embedded;
  const { addresses } = platform;
  const brokers = kafka ? [...addresses.kafka.brokers] : null;
  const databaseUrl = database ? addresses.database.url : null;
  stack.defer(publishState(folder, { files: files.map((file) => resolve(file)), brokers, databaseUrl }));
  const httpPort = options.httpPort ?? (options.once ? Number((await freePorts(1))[0]) : DEFAULT_HTTP_PORT);
  const roles = await startRoles({
    words: ['--http-port', String(httpPort), ...brokerWords(mqtt), ...words, ...files],
    env: environmentOf(addresses, options),
    logFile,
    log,
    say: screen.say,
  });
  // Run in reverse: the producer stops first.
  for (const role of roles.toReversed()) stack.defer(() => role.stop());
  for (const line of greeting(pipelines, platform, roles, options.data, options.once === true)) screen.say(line);

  const httpUrl = `http://127.0.0.1:${httpPort}`;
  for (const line of [...httpLines(pipelines, httpUrl), ...mqttLines(pipelines, platform.mqttBroker)]) screen.say(line);
  if (options.client) await untilSubscribed(pipelines, roles, signal);
  if (signal.aborted) return null;
  const clients = startClients(options.client ?? [], {
    env: clientEnvironment({ httpUrl, mqttUrl: mqttBroker ?? options.mqttBroker, secrets: options.secrets }),
    logFile: logFile('client'),
    say: screen.say,
  });
  stack.defer(() => clients.stop());

  const patienceMs = options.once ? PATIENCE_MS : null;
  const outcome = await watch({ pipelines, servers, roles, clients, screen, patienceMs, signal });
  screen.close();
  if (signal.aborted) screen.say('stopping: producer, processor, sink, then the servers');
  return signal.aborted ? null : await reportsOf(outcome, pipelines, servers, options.data);
}

function brokerWords({ mqttBroker, platformBroker }: Overrides): string[] {
  return [
    ...(mqttBroker === undefined ? [] : ['--mqtt-broker', mqttBroker]),
    ...(platformBroker === undefined ? [] : ['--platform-broker', platformBroker]),
  ];
}

/** What is published before anybody has subscribed is nobody's. */
async function untilSubscribed(
  pipelines: readonly LoadedPipeline[],
  roles: readonly RunningRole[],
  signal: AbortSignal,
): Promise<void> {
  const waited = pipelines.filter(({ pipeline }) => pipeline.spec.source.mqtt).map(({ pipeline }) => namesOf(pipeline).pipeline);
  const producer = roles.find(({ name }) => name === 'producer');
  const endMs = performance.now() + PATIENCE_MS;
  for (const name of waited) {
    for (;;) {
      const health = await producer?.health(name);
      if (health?.ready || signal.aborted) break;
      if (performance.now() > endMs) throw new Error(`the producer of ${name} does not subscribe: ${health?.state}`);
      await sleep(LOOK_MS, undefined, { signal }).catch(() => undefined); // the signal ends the wait, nothing else can
    }
  }
}

async function takeFolder(folder: string): Promise<Release> {
  const got = await lock(folder).catch((cause: Error) => {
    throw new Error(`the data folder ${folder} cannot be used: ${cause.message}. Give another one by --data`, { cause });
  });
  if (typeof got === 'function') return got;
  throw new Error(
    `${folder} is in use by another \`millrace run\` (process ${got.pid}): stop that one, or give another folder by --data`,
  );
}

async function lock(folder: string): ReturnType<typeof claim> {
  mkdirSync(join(folder, 'logs'), { recursive: true });
  return claim(join(folder, 'run.lock'));
}

/** Moves the log of the run before aside: two runs are kept, so that logs do not grow for ever. */
function keepOldLog(file: string): void {
  if (existsSync(file)) renameSync(file, `${file}.1`);
}

async function setUp({ pipeline, warnings }: LoadedPipeline, servers: Servers, log: Logger, screen: Screen): Promise<void> {
  const name = namesOf(pipeline).pipeline;
  for (const warning of warnings) screen.say(`${name}: ${warning}`);
  const { server, conditions } = await setupPipeline(pipeline, { ...servers, log });
  // Without TimescaleDB some of what the spec asks for is done in another way: said once, at the start.
  if (server === 'postgresql')
    for (const { type, message } of conditions) if (type === 'SchemaReady') screen.say(`${name}: ${message}`);
}

async function reportsOf(
  outcome: Outcome,
  pipelines: readonly LoadedPipeline[],
  { database }: Servers,
  folder: string,
): Promise<OnceReport[]> {
  if (outcome.stalled.length > 0)
    throw new Error(`nothing moves any more. ${outcome.stalled.join('; ')}. The logs are in ${folder}/logs`);
  const reports: OnceReport[] = [];
  for (const [index, sample] of outcome.samples.entries()) {
    const pipeline = pipelines[index]?.pipeline;
    if (sample && pipeline) reports.push(onceReport(sample, await boolCounts(pipeline, database)));
  }
  return reports;
}
