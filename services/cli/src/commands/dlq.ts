import { refusedPlace } from '@millrace/core/record/refusal.ts';
import { namesOf } from '@millrace/core/spec/names.ts';
import type { Command } from 'commander';
import { findPipeline } from '../pipelines.ts';
import { recordJson, textOf } from '../records/read.ts';
import { markRedriven, type Shown } from '../records/redriven.ts';
import { placeOf, readRefusals } from '../records/refusals.ts';
import { type ServerOptions, serverOptions } from '../servers/options.ts';
import { withServers } from '../servers.ts';
import { count, many, printable, table } from '../text.ts';
import { addRedrive } from './redrive.ts';
import { wholeNumber } from './tail.ts';

interface DlqOptions extends ServerOptions {
  json?: true;
}

interface ListOptions extends DlqOptions {
  lines: number;
  all?: true;
}

/** Records of a partition, from its end, that `list` and `show` look at. */
const MOST_READ = 100_000;

/** `millrace dlq list|show|redrive`: what was refused, each refusal once. */
export function addDlq(program: Command): void {
  const dlq = program.command('dlq').description('look at the records that were refused, and send them again');
  const listing = dlq
    .command('list')
    .description('the newest refusals with their reasons')
    .argument('<pipeline>', 'a Pipeline file, or the name of a running Pipeline')
    .option('-n, --lines <count>', 'how many', wholeNumber, 20)
    .option('--all', 'also those that are rows by now, after a redrive')
    .option('--json', 'one JSON object per line');
  serverOptions(listing).action(list);
  const showing = dlq
    .command('show')
    .description('one refused record whole')
    .argument('<pipeline>', 'a Pipeline file, or the name of a running Pipeline')
    .argument('<record>', 'partition:offset in the raw topic, or the id, as `dlq list` shows them')
    .option('--json', 'one JSON object per line');
  serverOptions(showing).action(show);
  addRedrive(dlq);
}

async function list(word: string, options: ListOptions): Promise<void> {
  const names = namesOf((await findPipeline(word, options.data)).pipeline);
  await withServers(options, async ({ kafka, database }) => {
    const { refused, skipped, foreign } = await readRefusals(kafka, names.dlq, { most: MOST_READ });
    let all = 0;
    let hidden = 0;
    let newest: Shown[] = [];
    for await (const one of markRedriven(database, names.pipeline, refused)) {
      if (one.redriven && !options.all) {
        hidden += 1;
        continue;
      }
      all += 1;
      newest.push(one);
      // Sorted rarely, so that the whole costs little; never more than twice what is shown is kept.
      if (newest.length >= 2 * options.lines + 1_000) newest = lastOf(newest, options.lines);
    }
    newest = lastOf(newest, options.lines);
    if (options.json) {
      for (const one of newest) process.stdout.write(`${JSON.stringify(jsonOf(one))}\n`);
      return;
    }
    for (const line of listing(newest, options.all === true)) process.stdout.write(`${line}\n`);
    const besides = [
      hidden === 0 ? '' : `; ${count(hidden)} redriven and stored since (--all shows them, too)`,
      foreign() === 0 ? '' : `; ${many(foreign(), 'record')} of the topic are no refusals`,
      skipped === 0 ? '' : `; ${count(skipped)} older records beyond the last ${count(MOST_READ)} of a partition were not read`,
    ];
    process.stdout.write(`${many(newest.length, 'refusal')} shown of ${count(all)}${besides.join('')}\n`);
  });
}

function lastOf(refused: readonly Shown[], lines: number): Shown[] {
  const sorted = refused.toSorted((a, b) => a.record.timestampMs - b.record.timestampMs);
  return lines === 0 ? [] : sorted.slice(-lines);
}

/** A table of refusals for people. */
function listing(refused: readonly Shown[], withState: boolean): string[] {
  if (refused.length === 0) return [];
  const titles = ['record', 'refused at', ...(withState ? ['now'] : []), 'stage', 'reason', 'message'];
  return table(
    titles.map((title) => ({ title, align: 'left' as const })),
    refused.map(({ refusal, record, redriven }) => [
      placeOf(refusal),
      new Date(record.timestampMs).toISOString(),
      ...(withState ? [redriven ? 'stored' : 'open'] : []),
      refusal.stage,
      printable(refusal.reason),
      printable(refusal.message),
    ]),
    process.stdout.isTTY ? process.stdout.columns : undefined,
  );
}

async function show(word: string, which: string, options: DlqOptions): Promise<void> {
  const { pipeline } = await findPipeline(word, options.data);
  const { dlq, raw, pipeline: name } = namesOf(pipeline);
  await withServers(options, async ({ kafka, database }) => {
    let found = 0;
    const { refused } = await readRefusals(kafka, dlq, { most: MOST_READ });
    for await (const one of markRedriven(database, name, refused)) {
      if (one.id !== which && placeOf(one.refusal) !== which) continue;
      found += 1;
      process.stdout.write(options.json ? `${JSON.stringify(jsonOf(one))}\n` : `${whole(one)}\n`);
    }
    if (found === 0)
      throw new Error(`${dlq} has no refusal of record ${which} of ${raw}; \`millrace dlq list\` shows which there are`);
  });
}

function jsonOf(one: Shown): Record<string, unknown> {
  const { headers: _, ...record } = recordJson(one);
  return { id: one.id, redriven: one.redriven, ...one.refusal, record };
}

function whole({ id, refusal, record, redriven }: Shown): string {
  const { oversize, redrive } = refusal;
  const { partition, offset, index } = refusedPlace(refusal);
  const lines: [string, string][] = [
    ['id', id],
    ['raw record', `partition ${partition}, offset ${offset}, row ${index}`],
    ...(redriven ? [['now', 'redriven, and stored as a row since'] as [string, string]] : []),
    ...(redrive ? [['redriven', `${many(redrive.attempt, 'time')}; the newest refusal:`] as [string, string]] : []),
    ['arrived', new Date(refusal.rawTimestampMs).toISOString()],
    ['stage', refusal.stage],
    ['reason', refusal.reason],
    ['message', refusal.message],
    ['key', textOf(record.key) ?? '(null)'],
  ];
  if (oversize) {
    const { length, sha256 } = oversize;
    lines.push([
      'original',
      `${many(length, 'byte')}, of which the first ${count(record.value?.length ?? 0)} are kept; sha256 ${sha256}`,
    ]);
  }
  lines.push(['value', textOf(record.value) ?? '(null)']);
  return lines.map(([name, value]) => `${name.padEnd(10)}  ${printable(value)}`).join('\n');
}
