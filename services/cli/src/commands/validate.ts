import { type LoadedPipeline, loadPipelines, SpecError } from '@millrace/core/spec/load.ts';
import { namesOf } from '@millrace/core/spec/names.ts';
import type { Command } from 'commander';
import {
  addTo,
  emptyLine,
  emptySummary,
  refusalLine,
  rowLines,
  type Sampled,
  sample,
  sampledJson,
  summaryLine,
} from '../records/sample.ts';
import { many } from '../text.ts';
import { Exit, UsageError } from '../usage.ts';

interface ValidateOptions {
  sample?: string;
  json?: true;
}

/** How many rows and refusals of a sample people see; programs get all. */
const SHOWN = 10;

/** `millrace validate FILE… [--sample FILE]` */
export function addValidate(program: Command): void {
  program
    .command('validate')
    .description('check Pipeline files, and show what a file of records would give')
    .argument('<file...>', 'Pipeline files')
    .option('--sample <file>', 'records as the source would read them: csv, json or ndjson, also .gz')
    .option('--json', 'for programs: one JSON object per line')
    .action(validate);
}

async function validate(files: string[], options: ValidateOptions): Promise<void> {
  const loaded = await loadPipelines(files).catch((error: unknown) => {
    if (!(error instanceof SpecError) || !options.json) throw error;
    print(JSON.stringify({ valid: false, problems: error.problems }));
    throw new Exit(2);
  });
  const [first] = loaded;
  if (options.sample !== undefined && (loaded.length !== 1 || !first))
    throw new UsageError(`--sample shows what one Pipeline makes of a file; ${files.join(', ')} hold ${loaded.length}`);
  const pipelines = loaded.map(({ pipeline, file, warnings }) => ({ pipeline: namesOf(pipeline).pipeline, file, warnings }));
  if (options.json) print(JSON.stringify({ valid: true, pipelines }));
  else {
    for (const { pipeline, file, warnings } of pipelines) {
      print(`${file}: ${pipeline} is valid`);
      for (const warning of warnings) print(`  warning: ${warning}`);
    }
  }
  if (options.sample !== undefined && first) await showSample(first, options.sample, options.json === true);
}

async function showSample(loaded: LoadedPipeline, file: string, json: boolean): Promise<void> {
  const summary = emptySummary(loaded);
  const rows: Sampled[] = [];
  const refusals: string[] = [];
  for await (const sampled of sample(loaded, file, new AbortController().signal)) {
    addTo(summary, sampled);
    if (json) print(sampledJson(sampled));
    else if (sampled.outcome.kind === 'row' && rows.length < SHOWN) rows.push(sampled);
    else if (sampled.outcome.kind === 'refused' && refusals.length < SHOWN) refusals.push(refusalLine(sampled) ?? '');
  }
  if (json) return print(JSON.stringify(summary));
  const { columns } = process.stdout;
  const lines = rows.length === 0 ? [] : ['', ...rowLines(loaded, rows, columns)];
  if (summary.rows > rows.length) lines.push(`… and ${many(summary.rows - rows.length, 'more row')}`);
  if (refusals.length > 0) lines.push('', ...refusals);
  if (summary.refused > refusals.length)
    lines.push(`… and ${many(summary.refused - refusals.length, 'more refusal')} (--json gives all)`);
  const empty = emptyLine(summary);
  for (const line of [...lines, '', summaryLine(summary), ...(empty === null ? [] : [empty])]) print(line);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
