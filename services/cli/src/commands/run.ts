import { resolve } from 'node:path';
import type { HttpOptions, Role } from '@millrace/core/role/role.ts';
import { serveRole } from '@millrace/core/role/serve.ts';
import { stopOnSignal } from '@millrace/core/role/signals.ts';
import { DEFAULT_HTTP_PORT } from '@millrace/core/spec/defaults.ts';
import { type LoadedPipeline, loadPipelines } from '@millrace/core/spec/load.ts';
import { namesOf } from '@millrace/core/spec/names.ts';
import { meansOwnBroker } from '@millrace/core/spec/ownBroker.ts';
import { findFiles } from '@millrace/producer/replay/files.ts';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { roleLog, tellAll } from '../log.ts';
import { endless, type Overrides, parsePace, withOverrides } from '../run/overrides.ts';
import { OWN_BROKER } from '../run/platform.ts';
import { ROLE_NAMES, ROLES } from '../run/roleTable.ts';
import type { RunOptions } from '../run/run.ts';
import type { Screen } from '../run/screen.ts';
import { databaseOf } from '../servers/database.ts';
import { kafkaOf } from '../servers/kafka.ts';
import { called, serverOptions } from '../servers/options.ts';
import { Exit, UsageError } from '../usage.ts';
import { wholeNumber } from './tail.ts';

interface Options extends RunOptions, Overrides {
  role?: Role['name'];
  host?: string;
  port?: number;
  input?: string;
  httpHost?: string;
  instance?: string;
  pod?: number;
  json?: true;
}

/** For a URL that does not answer. */
const INPUT_MS = 30_000;
const LOOPBACK = '127.0.0.1';

/** `millrace run FILE…` */
export function addRun(program: Command): void {
  const command = program
    .command('run')
    .description('run Pipelines: one process per role, with an own Kafka and PostgreSQL unless some are given')
    .argument('<file...>', 'Pipeline files')
    .option('--once', 'end when the input is at its end and all of it is stored, with the counts')
    .option('--pace <pace>', 'of a replay: unlimited, an interval such as 1s, or a multiplier such as 60x')
    .option('--limit <records>', 'of a replay or simulator: stop after so many; 0: all', wholeNumber)
    .option('--loop', 'of a replay: start again at the end')
    .option('--no-loop', 'of a replay: stop at the end')
    .addOption(
      new Option('--role <name>', 'run only this role, in this process; needs --kafka (and --database)').choices(ROLE_NAMES),
    )
    .option('--host <address>', 'with --role: address of /healthz, /readyz and /metrics; default: 127.0.0.1')
    .option('--port <port>', 'with --role: their port; default: any free one', portNumber)
    .option('--input <folder>', 'folder of relative paths in the specifications; default: that of their file')
    .option('--http-host <address>', 'address at which sources of HTTP listen; default: 127.0.0.1')
    .option('--http-port <port>', `their port; default: ${DEFAULT_HTTP_PORT}, with --once any free one`, portNumber)
    .addOption(
      new Option(
        '--secrets <folder>',
        'Secrets that specifications name: a folder for each, with a file for each of its keys',
      ).env('MILLRACE_SECRETS'),
    )
    .option(
      '--mqtt-broker <url>',
      'MQTT broker without TLS in the place of those that specifications name; own: one that is started for this run, which is the default where one names none',
      mqttBroker,
    )
    // How the processes of one run are told what it started.
    .addOption(new Option('--platform-broker <url>').argParser(brokerUrl).hideHelp())
    .addOption(
      new Option(
        '--instance <name>',
        'which one this is of several producers that share a subscription; default: the name of the machine',
      ).env('MILLRACE_INSTANCE'),
    )
    .addOption(new Option('--pod <name>').env('MILLRACE_POD').argParser(ordinalOf).hideHelp())
    .option('--registry <file...>', 'take over files of the device registry before it runs, as `millrace registry import` does')
    .option(
      '--client <file...>',
      'programs (for Node) that send while it runs, at MILLRACE_HTTP_URL and MILLRACE_MQTT_URL; --once waits for their end',
    )
    .option('--json', 'one JSON object per line');
  serverOptions(command).action(run);
}

async function run(files: string[], options: Options): Promise<void> {
  if (options.pace !== undefined) parsePace(options.pace);
  const pipelines = (await loadPipelines(files)).map((loaded) => ({
    ...loaded,
    ...(options.input === undefined ? {} : { folder: resolve(options.input) }),
    pipeline: withOverrides(loaded.pipeline, options),
  }));
  if (options.role) {
    const code = await serveOne(options.role, pipelines, options);
    if (code !== 0) throw new Exit(code);
    return;
  }
  if (options.port !== undefined || options.host !== undefined)
    throw new UsageError('--host and --port are of one role; give --role as well');
  if (options.once) {
    refuseEndless(pipelines, options.client !== undefined);
    await findInput(pipelines);
  }

  // Not loaded for a role: it needs none of this, and an image has no servers to embed.
  const [{ runAll }, { reportLines }] = await Promise.all([import('../run/run.ts'), import('../run/report.ts')]);
  const stop = stopOnSignal();
  const screen = await screenOf(options.json === true);
  const reports = await runAll({ pipelines, files, words: wordsOf(options), options, screen, signal: stop });
  if (reports === null) {
    if (options.once) throw new Exit(130);
    return;
  }
  for (const report of reports) {
    if (options.json) process.stdout.write(`${JSON.stringify(report)}\n`);
    else for (const line of reportLines(report)) process.stdout.write(`${line}\n`);
  }
  if (reports.some(({ problem }) => problem !== null)) throw new Exit(1);
}

/** One role in this process, for a supervisor that may hold the other end of an IPC channel. */
async function serveOne(name: Role['name'], pipelines: readonly LoadedPipeline[], options: Options): Promise<number> {
  const kafka = kafkaOf(options);
  if (!kafka) throw new UsageError(`--role ${name} needs ${called('kafka')}; allowed is host:port, several with commas between`);
  if (name === 'producer') refuseWithoutBroker(pipelines);
  const database = databaseOf(options);
  const log = roleLog(name);
  tellAll(log);
  process.once('disconnect', () => {
    log.warn('the supervisor is gone');
    process.kill(process.pid, 'SIGTERM');
  });
  return serveRole(await ROLES[name](), pipelines, {
    kafka,
    ...(database === null ? {} : { database }),
    ...(options.host === undefined ? {} : { host: options.host }),
    ...(options.port === undefined ? {} : { port: options.port }),
    http: httpOf(options),
    ...whichOf(options),
    log,
  });
}

function whichOf({ instance, pod }: Options): { instance?: string; ordinal?: number } {
  if (instance !== undefined) return { instance };
  return pod === undefined ? {} : { ordinal: pod };
}

/** A role alone starts no broker. */
function refuseWithoutBroker(pipelines: readonly LoadedPipeline[]): void {
  for (const { pipeline, file } of pipelines)
    if (meansOwnBroker(pipeline))
      throw new UsageError(
        `${file}: spec.source.mqtt.url of ${namesOf(pipeline).pipeline} is left out, which means the platform's own broker, and a role alone has none; give --mqtt-broker, such as mqtt://127.0.0.1:1883, or the url`,
      );
}

function refuseEndless(pipelines: readonly LoadedPipeline[], hasClients: boolean): void {
  for (const { pipeline, file } of pipelines) {
    const why = endless(pipeline, hasClients);
    if (why !== null) throw new UsageError(`${file}: --once would never end for ${namesOf(pipeline).pipeline}: ${why}`);
  }
}

/** A wrong path is said at once, before servers are started for it. @throws InputError */
async function findInput(pipelines: readonly LoadedPipeline[]): Promise<void> {
  for (const { pipeline, folder } of pipelines) {
    const { replay } = pipeline.spec.source;
    if (replay) await findFiles(replay, folder, AbortSignal.timeout(INPUT_MS));
  }
}

function httpOf({ httpHost, httpPort, secrets }: Options): HttpOptions {
  return {
    host: httpHost ?? LOOPBACK,
    port: httpPort ?? DEFAULT_HTTP_PORT,
    secrets: secrets === undefined ? null : resolve(secrets),
  };
}

/** What the roles' processes are to be told as well. */
function wordsOf({ pace, limit, loop, input, httpHost, secrets, instance, mqttBroker }: Options): string[] {
  return [
    ...(instance === undefined ? [] : ['--instance', instance]),
    ...(mqttBroker === undefined || mqttBroker === OWN_BROKER ? [] : ['--mqtt-broker', mqttBroker]),
    ...(httpHost === undefined ? [] : ['--http-host', httpHost]),
    ...(secrets === undefined ? [] : ['--secrets', secrets]),
    ...(input === undefined ? [] : ['--input', input]),
    ...(pace === undefined ? [] : ['--pace', pace]),
    ...(limit === undefined ? [] : ['--limit', String(limit)]),
    ...(loop === undefined ? [] : [loop ? '--loop' : '--no-loop']),
  ];
}

/** For `--mqtt-broker`. */
function mqttBroker(text: string): string {
  if (text === OWN_BROKER) return text;
  return brokerUrl(text, `${OWN_BROKER}, or `);
}

function brokerUrl(text: string, others: unknown): string {
  if (/^mqtt:\/\/[^/@?#]+$/i.test(text)) return text;
  throw new InvalidArgumentError(`Allowed is ${typeof others === 'string' ? others : ''}a URL such as mqtt://127.0.0.1:1883.`);
}

/** For `--pod`. */
function ordinalOf(text: string): number {
  const [, digits] = /^.+-(0|[1-9]\d{0,3})$/.exec(text) ?? [];
  if (digits !== undefined) return Number(digits);
  throw new InvalidArgumentError('Allowed is the name of a pod of a StatefulSet, such as doors-producer-0.');
}

/** For `--port`. */
function portNumber(text: string): number {
  const port = wholeNumber(text);
  if (port > 65_535) throw new InvalidArgumentError('Allowed is 0 (any free one) to 65535.');
  return port;
}

async function screenOf(json: boolean): Promise<Screen> {
  const { jsonScreen, lineScreen, terminalScreen } = await import('../run/screen.ts');
  const stdout = (line: string): void => void process.stdout.write(`${line}\n`);
  if (json) return jsonScreen(stdout, (line) => void process.stderr.write(`${line}\n`));
  return process.stdout.isTTY ? terminalScreen(process.stdout) : lineScreen(stdout);
}
