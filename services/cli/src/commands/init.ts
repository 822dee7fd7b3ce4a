import { writeFile } from 'node:fs/promises';
import { dirname, relative, resolve } from 'node:path';
import { zoneOf } from '@millrace/core/record/zone.ts';
import type { Command } from 'commander';
import { UsageError } from '../usage.ts';

interface InitOptions {
  output?: string;
  zone?: string;
  force?: true;
}

/** `millrace init FILE`: writes a Pipeline for a file of any origin. */
export function addInit(program: Command): void {
  program
    .command('init')
    .description('look at a file of records and write a Pipeline for it, with a comment on each guess')
    .argument('<file>', 'csv, json or ndjson, also .gz')
    .option('-o, --output <file>', 'where to write it; default: standard output')
    .option(
      '--zone <zone>',
      'IANA zone of times without an offset, such as Europe/Berlin; default: UTC, which the file then says',
    )
    .option('--force', 'write over a file that is there')
    .action(init);
}

async function init(file: string, { output, zone, force }: InitOptions): Promise<void> {
  if (zone !== undefined && !zoneOf(zone))
    throw new UsageError(`--zone is ${JSON.stringify(zone)}; allowed is an IANA zone such as Europe/Berlin or UTC`);
  const folder = output === undefined ? resolve('.') : dirname(resolve(output));
  const path = relative(folder, resolve(file));
  // Loaded only here: the other commands need none of it.
  const { pipelineFor } = await import('../init/init.ts');
  const text = await pipelineFor(file, { zone: zone ?? null, path });
  if (output === undefined) {
    process.stdout.write(text);
    return;
  }
  try {
    await writeFile(output, text, { flag: force ? 'w' : 'wx' });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new UsageError(
      code === 'EEXIST'
        ? `${output} is there already; give another name, or --force to write over it`
        : `${output} cannot be written: ${message}`,
      { cause: error },
    );
  }
  process.stdout.write(`${output} is written: millrace run ${output}\n`);
}
