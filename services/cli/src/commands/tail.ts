import { stopOnSignal } from '@millrace/core/role/signals.ts';
import { namesOf } from '@millrace/core/spec/names.ts';
import { latestOf } from '@millrace/core/table/latest.ts';
import { Argument, type Command, InvalidArgumentError } from 'commander';
import { findPipeline } from '../pipelines.ts';
import { follow, lastRecords, type Placed, recordJson, recordLine } from '../records/read.ts';
import { type ServerOptions, serverOptions } from '../servers/options.ts';
import { withServers } from '../servers.ts';
import { UsageError } from '../usage.ts';

const TOPICS = ['raw', 'processed', 'dlq', 'latest'] as const;
type Topic = (typeof TOPICS)[number];

interface TailOptions extends ServerOptions {
  lines: number;
  follow?: true;
  json?: true;
}

/** `millrace tail raw|processed|dlq|latest FILE|NAME` */
export function addTail(program: Command): void {
  const command = program
    .command('tail')
    .description("show the newest records of one of a Pipeline's topics")
    .addArgument(new Argument('<topic>', 'which topic; latest where the spec has table.latest.topic').choices(TOPICS))
    .argument('<pipeline>', 'a Pipeline file, or the name of a running Pipeline')
    .option('-n, --lines <count>', 'how many', wholeNumber, 10)
    .option('-f, --follow', 'go on with what comes')
    .option('--json', 'one JSON object per line');
  serverOptions(command).action(tail);
}

async function tail(topic: Topic, word: string, options: TailOptions): Promise<void> {
  const { pipeline } = await findPipeline(word, options.data);
  if (topic === 'latest' && !latestOf(pipeline).topic)
    throw new UsageError(
      `${namesOf(pipeline).pipeline} keeps no topic of its newest rows: its spec has no "table.latest.topic: true"`,
    );
  const name = namesOf(pipeline)[topic];
  const print = (placed: Placed): void => {
    process.stdout.write(`${options.json ? JSON.stringify(recordJson(placed)) : recordLine(placed)}\n`);
  };
  await withServers(options, async ({ kafka }) => {
    const { records, ends } = await lastRecords(kafka, name, options.lines);
    for (const placed of records) print(placed);
    if (!options.follow) return;
    const stop = stopOnSignal();
    for await (const placed of follow(kafka, name, ends, stop)) print(placed);
  });
}

/** For commander: a whole number from 0. */
export function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('Allowed is a whole number from 0.');
  return Number(text);
}
