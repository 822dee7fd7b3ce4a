/** `millrace registry import|export|list`: which devices there are, and what their messages mean. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Changes, readContent } from '@millrace/registry/content.ts';
import { importFiles } from '@millrace/registry/import.ts';
import { RegistryError } from '@millrace/registry/problems.ts';
import { type Content, TABLE_NAMES } from '@millrace/registry/tables.ts';
import { csvOf, yamlOf } from '@millrace/registry/text.ts';
import { withSession } from '@millrace/setup/session.ts';
import { migrate } from '@millrace/setup/system.ts';
import type { Command } from 'commander';
import type { Pool } from 'pg';
import { databaseOptions, type ServerOptions } from '../servers/options.ts';
import { withDatabase } from '../servers.ts';
import { many, table } from '../text.ts';
import { UsageError } from '../usage.ts';

const MIGRATION_MS = 60_000;

interface ImportOptions extends ServerOptions {
  replace?: true;
  dryRun?: true;
}

export function addRegistry(program: Command): void {
  const registry = program
    .command('registry')
    .description('the device registry: devices, their connectors and components, what those send');
  databaseOptions(
    registry
      .command('import')
      .description('take over what files say: all of them, or nothing where anything in them is wrong')
      .argument(
        '<file...>',
        `YAML with lists ${TABLE_NAMES.join(', ')}; CSV files named after them, or a folder with those; - is YAML on standard input`,
      )
      .option('--replace', 'the files are the whole registry: what they do not name is removed')
      .option('--dry-run', 'only say what would change'),
  ).action(take);
  databaseOptions(
    registry
      .command('export')
      .description('write what `import` takes: YAML on standard output, or CSV files')
      .option('--csv <folder>', 'a CSV file for each table into this folder'),
  ).action(exportAll);
  databaseOptions(
    registry
      .command('list')
      .description('show each component with its device')
      .option('--json', 'one JSON object with all tables'),
  ).action(show);
}

async function take(paths: string[], options: ImportOptions): Promise<void> {
  await withDatabase(options, async (database) => {
    await makeTables(database);
    try {
      const changes = await importFiles(database, paths, { whole: options.replace === true, dryRun: options.dryRun === true });
      for (const line of changeLines(changes)) process.stdout.write(`${line}\n`);
      if (options.dryRun) process.stdout.write('nothing was changed (--dry-run)\n');
    } catch (error) {
      if (error instanceof RegistryError) throw new UsageError(`nothing was imported\n${error.message}`);
      throw error;
    }
  });
}

/** A registry may be there before the first Pipeline. */
async function makeTables(database: Pool): Promise<void> {
  const { rows } = await database.query(`SELECT to_regclass('millrace.registry_pins') IS NOT NULL AS there`);
  if (rows[0]?.there !== true) await withSession(database, MIGRATION_MS, migrate);
}

function changeLines(changes: Awaited<ReturnType<typeof importFiles>>): string[] {
  const told = (one: Changes): string =>
    (['added', 'changed', 'removed'] as const).flatMap((what) => (one[what] > 0 ? [`${one[what]} ${what}`] : [])).join(', ');
  const lines = TABLE_NAMES.flatMap((name) => (told(changes[name]) === '' ? [] : [`${name}: ${told(changes[name])}`]));
  return lines.length > 0 ? lines : ['nothing to change'];
}

async function exportAll({ csv, ...options }: ServerOptions & { csv?: string }): Promise<void> {
  await withDatabase(options, async (database) => {
    const content = await contentOf(database);
    if (csv === undefined) {
      process.stdout.write(yamlOf(content));
      return;
    }
    await mkdir(csv, { recursive: true });
    for (const [name, text] of csvOf(content)) await writeFile(join(csv, name), text);
  });
}

async function show({ json, ...options }: ServerOptions & { json?: true }): Promise<void> {
  await withDatabase(options, async (database) => {
    const content = await contentOf(database);
    if (json) {
      process.stdout.write(`${JSON.stringify(content, null, 2)}\n`);
      return;
    }
    const { devices, pins, templates, datapoints } = content;
    const titles = new Map(devices.map(({ name, title }) => [name, String(title ?? '')]));
    const types = new Map(templates.map(({ name, type }) => [name, String(type)]));
    const counts = Map.groupBy(datapoints, (datapoint) => datapoint.template);
    const rows = pins.map(({ device, connector, component, mode, template }) => [
      String(device),
      titles.get(device ?? null) ?? '',
      String(connector),
      String(component),
      String(mode),
      String(template),
      types.get(template ?? null) ?? '',
      String(counts.get(template)?.length ?? 0),
    ]);
    const titled = ['device', 'title', 'connector', 'component', 'mode', 'template', 'type'].map((title) => ({
      title,
      align: 'left' as const,
    }));
    for (const line of table([...titled, { title: 'datapoints', align: 'right' }], rows)) process.stdout.write(`${line}\n`);
    process.stdout.write(`${many(devices.length, 'device')}, ${many(pins.length, 'component')}\n`);
  });
}

async function contentOf(database: Pool): Promise<Content> {
  const client = await database.connect();
  // A connection that breaks says so by an event, and an event without a listener ends the process; the next query fails.
  client.on('error', () => undefined);
  try {
    return await readContent(client);
  } finally {
    client.release(true);
  }
}
