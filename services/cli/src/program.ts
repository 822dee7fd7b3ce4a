/**
 * The `millrace` command. A subcommand is one file in `commands/` and one line in the table below.
 *
 * Exit codes: 0 done, 1 failed, 2 wrong use or a wrong specification, 130 interrupted.
 */
import { Command, CommanderError } from 'commander';
import { tellAsLog } from './log.ts';
import { Exit, UsageError } from './usage.ts';

/** A process loads only the command that it runs: the role of a container is ready sooner, and smaller. */
const SUBCOMMANDS: Record<string, () => Promise<(program: Command) => void>> = {
  run: async () => (await import('./commands/run.ts')).addRun,
  init: async () => (await import('./commands/init.ts')).addInit,
  validate: async () => (await import('./commands/validate.ts')).addValidate,
  status: async () => (await import('./commands/status.ts')).addStatus,
  tail: async () => (await import('./commands/tail.ts')).addTail,
  dlq: async () => (await import('./commands/dlq.ts')).addDlq,
  audit: async () => (await import('./commands/audit.ts')).addAudit,
  setup: async () => (await import('./commands/setup.ts')).addSetup,
  reset: async () => (await import('./commands/reset.ts')).addReset,
  delete: async () => (await import('./commands/delete.ts')).addDelete,
  device: async () => (await import('./commands/device.ts')).addDevice,
  devices: async () => (await import('./commands/devices.ts')).addDevices,
  render: async () => (await import('./commands/render.ts')).addRender,
  registry: async () => (await import('./commands/registry.ts')).addRegistry,
  bootstrap: async () => (await import('./commands/bootstrap.ts')).addBootstrap,
  'broker-files': async () => (await import('./commands/brokerFiles.ts')).addBrokerFiles,
  sidecar: async () => (await import('./commands/sidecar.ts')).addSidecar,
};

/**
 * Runs the command line and says what went wrong on standard error, in one sentence; a stack only with --debug.
 * @param words the command line without node and script
 * @returns the exit code
 */
export async function main(words: readonly string[]): Promise<number> {
  const program = new Command('millrace')
    .description('Sensor feeds from a file to Kafka topics and database tables, each row once')
    .option('--debug', 'show where in the program an error came from')
    .showHelpAfterError('(millrace --help shows what is allowed)')
    .exitOverride();
  const role = loggingRole(words);
  const say = (text: string): void => (role === null ? void process.stderr.write(text) : tellAsLog(role, text.trim()));
  program.configureOutput({ writeErr: say });
  const named = SUBCOMMANDS[words.find((word) => !word.startsWith('-')) ?? ''];
  for (const load of named ? [named] : Object.values(SUBCOMMANDS)) (await load())(program);
  // Subcommands do not inherit what was set after they were made.
  for (const command of everyCommand(program)) command.exitOverride().showHelpAfterError(`(millrace ${pathOf(command)} --help)`);
  try {
    await program.parseAsync(words, { from: 'user' });
    return 0;
  } catch (error) {
    if (error instanceof Exit) return error.code;
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    say(`${tell(error, program.opts<{ debug?: true }>().debug === true)}\n`);
    return error instanceof UsageError || (error instanceof Error && ['SpecError', 'RegistryError'].includes(error.name)) ? 2 : 1;
  }
}

function tell(error: unknown, debug: boolean): string {
  if (!(error instanceof Error)) return `millrace: ${String(error)}`;
  return debug ? `millrace: ${error.stack ?? error.message}` : `millrace: ${error.message}`;
}

/** Of a process whose output a collector of logs reads: its errors are lines of its log as well. */
function loggingRole(words: readonly string[]): string | null {
  const at = words.findIndex((word) => /^--role(=|$)/.test(word));
  if (at >= 0) return words[at]?.split('=')[1] ?? words[at + 1] ?? '';
  const [command = ''] = words;
  return ['bootstrap', 'sidecar', 'devices', 'broker-files'].includes(command) ||
    (command === 'setup' && words.includes('--json'))
    ? command
    : null;
}

function everyCommand(command: Command): Command[] {
  return command.commands.flatMap((child) => [child, ...everyCommand(child)]);
}

function pathOf(command: Command): string {
  return command.parent?.parent ? `${pathOf(command.parent)} ${command.name()}` : command.name();
}
