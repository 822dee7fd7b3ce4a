import { stopOnSignal } from '@millrace/core/role/signals.ts';
import { namesOf } from '@millrace/core/spec/names.ts';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { findPipeline } from '../pipelines.ts';
import { knowsRedrives } from '../records/redriven.ts';
import { redrive } from '../redrive/redrive.ts';
import { redriveJson, redriveText } from '../redrive/report.ts';
import { selector } from '../redrive/select.ts';
import { type ServerOptions, serverOptions } from '../servers/options.ts';
import { withServers } from '../servers.ts';
import { count } from '../text.ts';
import { Exit } from '../usage.ts';

interface RedriveCommandOptions extends ServerOptions {
  id: string[];
  reason: string[];
  stage: string[];
  yes?: true;
  json?: true;
}

const STAGES = ['decode', 'validate', 'derive', 'filter', 'store'];
const PROGRESS_MS = 5_000;
const INTERRUPTED = 130;

/** `millrace dlq redrive`: refused records once more, after the specification was corrected. */
export function addRedrive(dlq: Command): void {
  const repeatable = (flags: string, description: string, parse: (word: string) => string = String): Option =>
    new Option(flags, `${description}; repeatable`)
      .argParser((word: string, before: string[]) => [...before, parse(word)])
      .default([], 'all');
  const command = dlq
    .command('redrive')
    .description(
      'send refused records through the Pipeline again, each at most one row; without --yes only say what would happen',
    )
    .argument('<pipeline>', 'a Pipeline file, or the name of a running Pipeline')
    .addOption(repeatable('--id <id>', 'only this refusal: its id, or partition:offset, as `dlq list` shows them'))
    .addOption(repeatable('--reason <reason>', 'only refusals with this reason'))
    .addOption(repeatable('--stage <stage>', `only refusals of this stage (${STAGES.join(', ')})`, stage))
    .option('--yes', 'send them')
    .option('--json', 'one JSON object');
  serverOptions(command).action(run);
}

function stage(word: string): string {
  if (!STAGES.includes(word)) throw new InvalidArgumentError(`Allowed are ${STAGES.join(', ')}.`);
  return word;
}

async function run(word: string, options: RedriveCommandOptions): Promise<void> {
  const { pipeline } = await findPipeline(word, options.data);
  const names = namesOf(pipeline);
  const send = options.yes === true;
  const { isSelected, unmatched } = selector({ ids: options.id, reasons: options.reason, stages: options.stage });
  const stop = stopOnSignal({ reason: new Error('interrupted') });
  await withServers(options, async (servers) => {
    if (!(await knowsRedrives(servers.database)))
      throw new Error(
        `this database has no table millrace.redriven, by which each redriven record becomes one row: run \`millrace setup ${word}\`, and restart the sink`,
      );
    let toldAt = performance.now();
    const outcome = await redrive(pipeline, servers, {
      isSelected,
      send,
      signal: stop,
      progress: ({ looked, sent }, records) => {
        if (performance.now() - toldAt < PROGRESS_MS) return;
        toldAt = performance.now();
        process.stderr.write(
          `${count(looked)} refusals looked at (${count(records)} records in ${names.dlq}), ${count(sent)} sent\n`,
        );
      },
    });
    const said = options.json
      ? JSON.stringify(redriveJson(outcome, !send))
      : redriveText(names.pipeline, word, outcome, send).join('\n');
    process.stdout.write(`${said}\n`);
    if (outcome.interrupted) throw new Exit(INTERRUPTED);
    if (unmatched.size > 0)
      throw new Error(
        `${names.dlq} has no refusal ${[...unmatched].join(', ')}; \`millrace dlq list ${word}\` shows which there are`,
      );
  });
}
