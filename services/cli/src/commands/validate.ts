import { loadPipelines, type Problem, SpecError } from '@millrace/core/spec/load.ts';
import { namesOf } from '@millrace/core/spec/names.ts';
import type { Command } from 'commander';
import { Exit } from '../usage.ts';

interface ValidateOptions {
  sample?: string;
  json?: true;
}

/** `millrace validate FILE… [--sample FILE]` */
export function addValidate(program: Command): void {
  program
    .command('validate')
    .description('check Pipeline files, and show what a file of records would give')
    .argument('<file...>', 'Pipeline files')
    .option('--sample <file>', 'records as the source would read them: csv, json or ndjson, also .gz')
    .option('--json', 'for programs: one JSON object, with --sample one per line')
    .action(validate);
}

async function validate(files: string[], options: ValidateOptions): Promise<void> {
  const loaded = await loadPipelines(files).catch((error: unknown) => {
    if (!(error instanceof SpecError) || !options.json) throw error;
    process.stdout.write(`${JSON.stringify({ valid: false, problems: error.problems satisfies readonly Problem[] })}\n`);
    throw new Exit(2);
  });
  const pipelines = loaded.map(({ pipeline, file, warnings }) => ({ pipeline: namesOf(pipeline).pipeline, file, warnings }));
  if (options.json) process.stdout.write(`${JSON.stringify({ valid: true, pipelines })}\n`);
  else {
    for (const { pipeline, file, warnings } of pipelines) {
      process.stdout.write(`${file}: ${pipeline} is valid\n`);
      for (const warning of warnings) process.stdout.write(`  warning: ${warning}\n`);
    }
  }
}
