import { loadPipelines } from '@millrace/core/spec/load.ts';
import { namesOf } from '@millrace/core/spec/names.ts';
import { type Condition, setupPipeline } from '@millrace/setup/setup.ts';
import type { Command } from 'commander';
import { quietLog } from '../log.ts';
import { type ServerOptions, serverOptions, withServers } from '../servers.ts';

interface SetupOptions extends ServerOptions {
  json?: true;
}

/** `millrace setup FILE…`: topics, tables and roll-ups, nothing else. */
export function addSetup(program: Command): void {
  const command = program
    .command('setup')
    .description('make topics, tables and roll-ups of Pipelines, or bring them up to date')
    .argument('<file...>', 'Pipeline files')
    .option('--json', 'one JSON object per line');
  serverOptions(command).action(setup);
}

async function setup(files: string[], options: SetupOptions): Promise<void> {
  const loaded = await loadPipelines(files);
  await withServers(options, async (servers) => {
    for (const { pipeline, warnings } of loaded) {
      const { changes, conditions } = await setupPipeline(pipeline, { ...servers, log: quietLog() });
      const result = { pipeline: namesOf(pipeline).pipeline, changes, warnings, conditions };
      if (options.json) process.stdout.write(`${JSON.stringify(result)}\n`);
      else for (const line of linesOf(result)) process.stdout.write(`${result.pipeline}: ${line}\n`);
    }
  });
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
