import { stopOnSignal } from '@millrace/core/role/signals.ts';
import { identifier } from '@millrace/core/spec/identifier.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import { dropKept } from '@millrace/reset/kept.ts';
import { shownNames } from '@millrace/reset/plan.ts';
import { type ResetEvent, type ResetReport, resetPipeline } from '@millrace/reset/reset.ts';
import type { Command } from 'commander';
import { quietLog } from '../log.ts';
import { loadOne } from '../pipelines.ts';
import { type ServerOptions, serverOptions } from '../servers/options.ts';
import { withServers } from '../servers.ts';
import { count, many, table } from '../text.ts';
import { UsageError } from '../usage.ts';

interface ResetOptions extends ServerOptions {
  from?: string;
  table?: string;
  yes?: true;
  dropOld?: true;
  restart?: true;
  json?: true;
}

/** `millrace reset FILE`: rows made anew from the raw topic, by the rules of the file. */
export function addReset(program: Command): void {
  const command = program
    .command('reset')
    .description('make the rows of a Pipeline anew from its raw topic, in new tables that then take the place of the old')
    .argument('<file>', 'the file with the corrected Pipeline')
    .option('--from <time>', 'keep rows before this time (ISO 8601 with a zone) as they are; default: all are made anew')
    .option('--table <name>', 'fill a table of this name and hand the Pipeline over to it; default: spec.table.name')
    .option('--yes', 'put the new tables in place; without it they are made and compared only')
    .option('--drop-old', 'with --yes: remove the old tables afterwards')
    .option('--restart', 'begin again instead of going on with what an earlier run has made')
    .option('--json', 'one JSON object per line');
  serverOptions(command).action(reset);
}

async function reset(file: string, options: ResetOptions): Promise<void> {
  const loaded = await loadOne(file);
  const pipeline = withTable(loaded.pipeline, options.table);
  const fromMs = options.from === undefined ? null : timeOf(options.from);
  if (options.dropOld && !options.yes) throw new UsageError('--drop-old is only allowed with --yes');
  const reason = new Error('interrupted; nothing has changed, and the same command goes on where it stood');
  const signal = stopOnSignal({ reason });
  await withServers(options, async (servers) => {
    const log = quietLog();
    const tell = teller(options.json === true);
    const report = await resetPipeline(
      pipeline,
      { ...servers, log },
      { fromMs, apply: options.yes === true, restart: options.restart === true, signal, told: tell },
    );
    const dropped =
      options.dropOld && report.kept
        ? await dropKept(servers.database, report.pipeline, report.kept.schema, report.kept.table)
        : [];
    if (options.json) {
      const { tables, kept, ...rest } = report;
      say(
        JSON.stringify({
          ...rest,
          tables: shownNames(tables),
          kept: kept && dropped.length === 0 ? shownNames(kept) : null,
          dropped,
        }),
      );
    } else for (const line of [...endOf(report, file), ...dropped]) say(line);
  });
}

function withTable(pipeline: Pipeline, name: string | undefined): Pipeline {
  if (name === undefined) return pipeline;
  const { success, error } = identifier.safeParse(name);
  if (!success) throw new UsageError(`--table is ${JSON.stringify(name)}: ${error.issues[0]?.message}`);
  return { ...pipeline, spec: { ...pipeline.spec, table: { ...pipeline.spec.table, name } } };
}

/** Epoch ms of an ISO 8601 time with a zone. @throws UsageError */
export function timeOf(text: string): number {
  const ms = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d))?$/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(ms))
    throw new UsageError(
      `--from is ${JSON.stringify(text)}; allowed is a time in ISO 8601 with a zone, such as 2026-01-31T12:00:00Z, or a day`,
    );
  return ms;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** A line for people at most every second while it fills; with --json each event. */
function teller(json: boolean): (event: ResetEvent) => void {
  let records = 0;
  let rows = 0;
  let toldAt = Number.NEGATIVE_INFINITY;
  return (event) => {
    if (event.kind === 'filling') {
      records += event.records;
      rows += event.rows;
      if (performance.now() - toldAt < 1_000) return;
      toldAt = performance.now();
      if (json) say(JSON.stringify({ event: 'filling', records, rows, missing: event.missing }));
      else say(`${many(records, 'raw record')} read, ${many(rows, 'row')} stored, ${count(event.missing)} to go`);
      return;
    }
    const { kind, ...rest } = event;
    if (json) say(JSON.stringify({ event: kind, ...rest }));
    else for (const line of linesOf(event)) say(line);
  };
}

function linesOf(event: Exclude<ResetEvent, { kind: 'filling' }>): string[] {
  switch (event.kind) {
    case 'began':
      return [`${event.goesOn ? 'going on with' : 'filling'} ${event.table}`];
    case 'taken over':
      return [`${many(event.rows, 'row')} taken over as they are`];
    case 'changed':
      return [event.change];
    case 'waiting':
      return [`waiting: ${event.why}`];
    case 'compared':
      return comparison(event.days, event.refused);
  }
}

const MOST_DAYS = 30;

/** Old and new rows by day, the days with a difference first where there are many. */
export function comparison(days: readonly { day: string; old: number; new: number }[], refused: number): string[] {
  const different = days.filter((day) => day.old !== day.new);
  const shown = (days.length <= MOST_DAYS ? days : different.slice(-MOST_DAYS)).map((day) => [day.day, ...numbers(day)]);
  const sum = { old: 0, new: 0 };
  for (const day of days) {
    sum.old += day.old;
    sum.new += day.new;
  }
  const columns = ['day', 'old rows', 'new rows', 'difference'].map((title, at) => ({
    title,
    align: at === 0 ? ('left' as const) : ('right' as const),
  }));
  const left =
    days.length <= MOST_DAYS
      ? ''
      : ` (${many(different.length, 'day')} of ${count(days.length)} differ; the last ${Math.min(MOST_DAYS, different.length)} are shown)`;
  return [...table(columns, [...shown, ['all', ...numbers(sum)]]), `${many(refused, 'refusal')}${left}`];
}

function numbers(day: { old: number; new: number }): string[] {
  const difference = day.new - day.old;
  return [count(day.old), count(day.new), difference > 0 ? `+${count(difference)}` : count(difference)];
}

function endOf({ applied, mode, tables, kept, pipeline }: ResetReport, file: string): string[] {
  const name = `${tables.schema}.${tables.table}`;
  if (!applied)
    return [
      `nothing has changed: the new rows are in ${name}, beside the old ones`,
      `put them in place with --yes, which goes on from here; millrace delete ${file} --reset removes them`,
    ];
  const lines = [`${pipeline}: the new rows are in place, in ${name}`];
  if (kept !== null)
    lines.push(
      `the old rows are in ${kept.schema}.${kept.table}; millrace delete ${file} --table ${kept.table} --yes removes them`,
    );
  if (mode === 'hand over')
    lines.push(
      `the roles of the old spec have stopped storing: stop them, and run those of a spec with table.name ${tables.table}`,
    );
  return lines;
}
