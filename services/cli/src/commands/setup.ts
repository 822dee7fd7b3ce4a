import { setTimeout as sleep } from 'node:timers/promises';
import { createLog, type Logger } from '@millrace/core/log.ts';
import { duration, durationMs } from '@millrace/core/spec/duration.ts';
import { type LoadedPipeline, loadPipelines } from '@millrace/core/spec/load.ts';
import { namesOf } from '@millrace/core/spec/names.ts';
import { SetupRefused } from '@millrace/setup/refused.ts';
import { type Condition, setupPipeline } from '@millrace/setup/setup.ts';
import { type Command, InvalidArgumentError } from 'commander';
import { quietLog } from '../log.ts';
import { type ServerOptions, serverOptions } from '../servers/options.ts';
import { addressesOf, withServers } from '../servers.ts';
import type { Servers } from '../status/collect.ts';

interface SetupOptions extends ServerOptions {
  /** ms */
  wait?: number;
  json?: true;
  topicsGiven?: true;
}

const AGAIN_MS = 2_000;
/** The same trouble is told again after this time. */
const REMIND_MS = 15_000;

/** `millrace setup FILE…`: topics, tables and roll-ups, nothing else. */
export function addSetup(program: Command): void {
  const command = program
    .command('setup')
    .description('make topics, tables and roll-ups of Pipelines, or bring them up to date')
    .argument('<file...>', 'Pipeline files')
    .option('--wait <duration>', 'while servers do not answer or refuse the login, try again for so long, such as 10m', waitMs)
    .option(
      '--topics-given',
      'somebody else makes the topics, such as the Topic Operator of Strimzi: look whether they are there, as they should be',
    )
    .option('--json', 'one JSON object per line: what was done on standard output, what it waits for on standard error');
  serverOptions(command).action(setup);
}

async function setup(files: string[], options: SetupOptions): Promise<void> {
  const loaded = await loadPipelines(files);
  addressesOf(options); // a mistake in the options does not pass by waiting
  const log = options.json ? createLog('setup', { to: 2 }) : quietLog();
  const told = options.json ? createLog('setup') : null;
  await persistently(
    () => setUp(loaded, options, log, told),
    options.wait ?? 0,
    (line) => {
      if (options.json) log.warn(line);
      else process.stderr.write(`millrace: ${line}\n`);
    },
  );
}

async function setUp(loaded: readonly LoadedPipeline[], options: SetupOptions, log: Logger, told: Logger | null): Promise<void> {
  const work = async (servers: Servers): Promise<void> => {
    for (const { pipeline, warnings } of loaded) {
      const { changes, conditions } = await setupPipeline(pipeline, {
        ...servers,
        log,
        topics: options.topicsGiven ? 'given' : 'made',
      });
      const result = { pipeline: namesOf(pipeline).pipeline, changes, warnings, conditions };
      if (told) told.info(result, 'set up');
      else for (const line of linesOf(result)) process.stdout.write(`${result.pipeline}: ${line}\n`);
    }
  };
  await withServers(options, work, log);
}

/**
 * Tries again what may pass by itself: servers that are starting, users that are not known there yet. All that set-up does
 * it can do again.
 * @throws the last error after `waitMs`; SetupRefused at once, since a person must change something
 */
async function persistently(work: () => Promise<void>, waitMs: number, tell: (line: string) => void): Promise<void> {
  const end = performance.now() + waitMs;
  let last = { message: '', atMs: 0 };
  for (;;) {
    try {
      return await work();
    } catch (error) {
      const now = performance.now();
      if (error instanceof SetupRefused || now + AGAIN_MS > end) throw error;
      const { message } = error as Error;
      if (message !== last.message || now - last.atMs > REMIND_MS) {
        tell(`waiting, for ${Math.round((end - now) / 1_000)} s at most: ${message}`);
        last = { message, atMs: now };
      }
      await sleep(AGAIN_MS);
    }
  }
}

function waitMs(text: string): number {
  if (!duration.safeParse(text).success) throw new InvalidArgumentError('Allowed is a duration such as 30s or 10m.');
  return durationMs(text);
}

function linesOf({
  changes,
  warnings,
  conditions,
}: {
  changes: string[];
  warnings: string[];
  conditions: Condition[];
}): string[] {
  return [
    ...warnings.map((warning) => `warning: ${warning}`),
    ...(changes.length === 0 ? ['nothing to change'] : changes),
    ...conditions.map(({ message }) => message),
  ];
}
