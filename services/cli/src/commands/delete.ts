import { namesOf } from '@millrace/core/spec/names.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import { belongingsOf, deletePipeline } from '@millrace/reset/delete.ts';
import { dropKept } from '@millrace/reset/kept.ts';
import { dropShadow } from '@millrace/reset/shadow.ts';
import type { Command } from 'commander';
import { loadOne } from '../pipelines.ts';
import { type ServerOptions, serverOptions } from '../servers/options.ts';
import { withServers } from '../servers.ts';
import type { Servers } from '../status/collect.ts';
import { UsageError } from '../usage.ts';

interface DeleteOptions extends ServerOptions {
  yes?: true;
  withData?: true;
  table?: string;
  reset?: true;
}

/** `millrace delete FILE`: what a Pipeline has left in Kafka and in the database. */
export function addDelete(program: Command): void {
  const command = program
    .command('delete')
    .description("remove a Pipeline's topics, consumer groups, tables and books; its roles must be stopped")
    .argument('<file>', 'the file with the Pipeline')
    .option('--yes', 'do it; without it only what would be done is said')
    .option('--with-data', 'remove topics and tables whatever spec.deletionPolicy says')
    .option('--table <name>', 'remove only this table, which a reset has kept, with what belongs to it')
    .option('--reset', 'remove only what a reset without --yes has left');
  serverOptions(command).action(remove);
}

async function remove(file: string, options: DeleteOptions): Promise<void> {
  const { pipeline } = await loadOne(file);
  if (options.table !== undefined && options.reset)
    throw new UsageError('--table and --reset are two things; allowed is one of them');
  await withServers(options, async (servers) => {
    for (const line of await linesOf(pipeline, servers, options)) process.stdout.write(`${line}\n`);
  });
}

async function linesOf(pipeline: Pipeline, servers: Servers, options: DeleteOptions): Promise<string[]> {
  const { pipeline: name, schema } = namesOf(pipeline);
  const yes = options.yes === true;
  if (options.table !== undefined)
    return yes
      ? dropKept(servers.database, name, schema, options.table)
      : [`would remove ${schema}.${options.table}; do it with --yes`];
  if (options.reset)
    return yes
      ? orNothing(await dropShadow(servers.database, name, schema))
      : ['would remove the tables of a reset that was not put in place; do it with --yes'];
  const { topics, groups, tables, others } = await belongingsOf(pipeline, servers);
  const left = others.map((topic) => `topic ${topic} stays: it is not one that ${name} made`);
  if (options.withData !== true && pipeline.spec.deletionPolicy !== 'Delete')
    return [
      ...[...topics.map((topic) => `topic ${topic}`), ...tables.map((table) => `table ${table}`)].map(
        (thing) => `${thing} stays`,
      ),
      ...left,
      `nothing is removed, since spec.deletionPolicy is Retain: --with-data removes topics and tables all the same`,
    ];
  if (yes) return [...orNothing(await deletePipeline(pipeline, servers)), ...left];
  const things = [
    ...topics.map((topic) => `topic ${topic}`),
    ...groups.map((group) => `group ${group}`),
    ...tables.map((table) => `table ${table}`),
  ];
  return [...things.map((thing) => `would remove ${thing}`), ...left, 'nothing was removed: do it with --yes'];
}

function orNothing(lines: string[]): string[] {
  return lines.length === 0 ? ['there is nothing to remove'] : lines;
}
