import { existsSync } from 'node:fs';
import { audit } from '@millrace/audit/audit.ts';
import { fullAudit } from '@millrace/audit/full/full.ts';
import type { AuditResult } from '@millrace/audit/result.ts';
import { worst } from '@millrace/audit/result.ts';
import type { Command } from 'commander';
import { auditText } from '../audit/report.ts';
import { findPipeline, loadGivenOrRunning } from '../pipelines.ts';
import { type ServerOptions, serverOptions } from '../servers/options.ts';
import { withServers } from '../servers.ts';
import { Exit } from '../usage.ts';

interface AuditOptions extends ServerOptions {
  json?: true;
  full?: true;
}

/** Where nothing differs but something could not be compared. */
const CANNOT_BE_TOLD = 3;

/** `millrace audit [PIPELINE…]` */
export function addAudit(program: Command): void {
  const command = program
    .command('audit')
    .description('prove that each record is stored, refused, dropped or on its way, from topics and table')
    .argument('[pipeline...]', 'Pipeline files, or names of running Pipelines; default: all of the running `millrace run`')
    .option('--full', 'compare every record and every row, not only counts')
    .option('--json', 'one JSON array')
    .addHelpText(
      'after',
      `\nExit codes: 0 all accounted for, 1 a difference, ${CANNOT_BE_TOLD} something cannot be told, 2 wrong use`,
    );
  serverOptions(command).action(run);
}

async function run(words: string[], options: AuditOptions): Promise<void> {
  const named = await Promise.all(words.filter((word) => !existsSync(word)).map((word) => findPipeline(word, options.data)));
  const files = words.filter((word) => existsSync(word));
  const loaded = files.length === 0 && named.length > 0 ? named : [...named, ...(await loadGivenOrRunning(files, options.data))];
  await withServers(options, async (servers) => {
    const results: AuditResult[] = [];
    for (const { pipeline } of loaded) {
      const result = await (options.full ? fullAudit : audit)(pipeline, servers);
      results.push(result);
      if (!options.json) process.stdout.write(`${auditText(result)}\n`);
    }
    if (options.json) process.stdout.write(`${JSON.stringify(results, null, 2)}\n`);
    const state = worst(results.map((result) => result.state));
    if (state !== 'equal') throw new Exit(state === 'different' ? 1 : CANNOT_BE_TOLD);
  });
}
