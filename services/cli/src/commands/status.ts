import type { Command } from 'commander';
import { loadGivenOrRunning } from '../pipelines.ts';
import { type ServerOptions, serverOptions } from '../servers/options.ts';
import { withServers } from '../servers.ts';
import { collect } from '../status/collect.ts';
import { statusJson, statusText } from '../status/report.ts';

interface StatusOptions extends ServerOptions {
  json?: true;
}

/** `millrace status [FILE…]` */
export function addStatus(program: Command): void {
  const command = program
    .command('status')
    .description('how far each Pipeline is: counts, topics, positions')
    .argument('[file...]', 'Pipeline files; default: those of the running `millrace run`')
    .option('--json', 'one JSON array');
  serverOptions(command).action(status);
}

async function status(files: string[], options: StatusOptions): Promise<void> {
  const loaded = await loadGivenOrRunning(files, options.data);
  await withServers(options, async (servers) => {
    const samples = [];
    for (const { pipeline } of loaded) samples.push(await collect(pipeline, servers));
    process.stdout.write(
      options.json ? `${JSON.stringify(samples.map(statusJson), null, 2)}\n` : `${samples.map(statusText).join('\n\n')}\n`,
    );
  });
}
