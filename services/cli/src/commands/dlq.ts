import { namesOf } from '@millrace/core/spec/names.ts';
import type { Command } from 'commander';
import { findPipeline } from '../pipelines.ts';
import { recordJson, textOf } from '../records/read.ts';
import { MOST_READ, placeOf, type Refused, readRefusals } from '../records/refusals.ts';
import { type ServerOptions, serverOptions, withServers } from '../servers.ts';
import { count, many, printable, table } from '../text.ts';
import { wholeNumber } from './tail.ts';

interface DlqOptions extends ServerOptions {
  json?: true;
}

/** `millrace dlq list|show`: what was refused, each refusal once. */
export function addDlq(program: Command): void {
  const dlq = program.command('dlq').description('look at the records that were refused');
  const listing = dlq
    .command('list')
    .description('the newest refusals with their reasons')
    .argument('<pipeline>', 'a Pipeline file, or the name of a running Pipeline')
    .option('-n, --lines <count>', 'how many', wholeNumber, 20)
    .option('--json', 'one JSON object per line');
  serverOptions(listing).action(list);
  const showing = dlq
    .command('show')
    .description('one refused record whole')
    .argument('<pipeline>', 'a Pipeline file, or the name of a running Pipeline')
    .argument('<record>', 'partition:offset in the raw topic, or the id, as `dlq list` shows them')
    .option('--json', 'one JSON object per line');
  serverOptions(showing).action(show);
}

async function list(word: string, options: DlqOptions & { lines: number }): Promise<void> {
  const { pipeline } = await findPipeline(word, options.data);
  await withServers(options, async ({ kafka }) => {
    const { refused, skipped } = await readRefusals(kafka, namesOf(pipeline).dlq);
    let all = 0;
    let newest: Refused[] = [];
    for await (const one of refused) {
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
    for (const line of listing(newest)) process.stdout.write(`${line}\n`);
    const unseen =
      skipped === 0 ? '' : `; ${count(skipped)} older records beyond the last ${count(MOST_READ)} of a partition were not read`;
    process.stdout.write(`${many(newest.length, 'refusal')} shown of ${count(all)}${unseen}\n`);
  });
}

function lastOf(refused: readonly Refused[], lines: number): Refused[] {
  const sorted = refused.toSorted((a, b) => a.record.timestampMs - b.record.timestampMs);
  return lines === 0 ? [] : sorted.slice(-lines);
}

/** A table of refusals for people. */
export function listing(refused: readonly Refused[]): string[] {
  if (refused.length === 0) return [];
  const titles = ['record', 'refused at', 'stage', 'reason', 'message'];
  return table(
    titles.map((title) => ({ title, align: 'left' as const })),
    refused.map(({ refusal, record }) => [
      placeOf(refusal),
      new Date(record.timestampMs).toISOString(),
      refusal.stage,
      printable(refusal.reason),
      printable(refusal.message),
    ]),
    process.stdout.isTTY ? process.stdout.columns : undefined,
  );
}

async function show(word: string, which: string, options: DlqOptions): Promise<void> {
  const { pipeline } = await findPipeline(word, options.data);
  const { dlq, raw } = namesOf(pipeline);
  await withServers(options, async ({ kafka }) => {
    let found = 0;
    for await (const one of (await readRefusals(kafka, dlq)).refused) {
      if (one.id !== which && placeOf(one.refusal) !== which) continue;
      found += 1;
      process.stdout.write(options.json ? `${JSON.stringify(jsonOf(one))}\n` : `${whole(one)}\n`);
    }
    if (found === 0)
      throw new Error(`${dlq} has no refusal of record ${which} of ${raw}; \`millrace dlq list\` shows which there are`);
  });
}

function jsonOf(one: Refused): Record<string, unknown> {
  const { headers: _, ...record } = recordJson(one);
  return { id: one.id, ...one.refusal, record };
}

function whole({ id, refusal, record }: Refused): string {
  const { oversize } = refusal;
  const lines: [string, string][] = [
    ['id', id],
    ['raw record', `partition ${refusal.partition}, offset ${refusal.origin.offset}, row ${refusal.origin.index}`],
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
