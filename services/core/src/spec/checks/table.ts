/** The table and its roll-ups: names that PostgreSQL takes, columns that exist, intervals that go together. */
import { columnsOf, TIME_COLUMN } from '../../table/columns.ts';
import { BUCKET_COLUMN, STATISTICS } from '../../table/rollup.ts';
import { durationMs } from '../duration.ts';
import { namesOf, rollupName } from '../names.ts';
import type { Pipeline } from '../pipeline.ts';
import type { Finding, Path } from '../problem.ts';
import type { Rollup } from '../table.ts';
import { type ColumnRule, checkColumnNames } from './columns.ts';

/** Longest name that PostgreSQL does not cut. Names are ASCII: characters are bytes. */
const MAX_NAME = 63;
const TABLE: Path = ['spec', 'table'];

const ANY_COLUMN: ColumnRule = { what: 'one of the columns', fits: (type) => type !== 'json' };
const GROUP_COLUMN: ColumnRule = { what: 'one of the columns', fits: (type, name) => type !== 'json' && name !== TIME_COLUMN };
/** One text for each value. */
const EXACT_COLUMN: ColumnRule = { what: 'a text, int or bool column', fits: (type) => ['text', 'int', 'bool'].includes(type) };
const NUMERIC_COLUMN: ColumnRule = { what: 'a numeric column', fits: (type) => type === 'int' || type === 'float' };

export function checkTable(pipeline: Pipeline): Finding[] {
  const { table, rollups = [] } = pipeline.spec;
  return [
    ...checkRelationNames(pipeline),
    ...checkUnique(pipeline),
    ...checkLatest(pipeline),
    ...checkIntervals(pipeline),
    ...(table.compress?.by === undefined
      ? []
      : single(checkColumnNames(pipeline, [], [table.compress.by], GROUP_COLUMN), [...TABLE, 'compress', 'by'])),
    ...rollups.flatMap((rollup, index) => checkRollup(pipeline, rollup, ['spec', 'rollups', index])),
  ];
}

/** The findings about a list of one, at the place of a single value. */
function single(findings: Finding[], path: Path): Finding[] {
  return findings.map((finding) => ({ ...finding, path }));
}

function checkRelationNames(pipeline: Pipeline): Finding[] {
  const { table, rollups = [] } = pipeline.spec;
  const findings: Finding[] = [];
  const names = [namesOf(pipeline).latestTable, ...rollups.map(({ every }) => rollupName(table.name, every))];
  const longest = names.reduce((longer, name) => (name.length > longer.length ? name : longer), '');
  if (longest.length > MAX_NAME) {
    const message = `the name is too long: ${JSON.stringify(longest)} would have ${longest.length} characters`;
    findings.push({
      path: [...TABLE, 'name'],
      message,
      allowed: `at most ${table.name.length - (longest.length - MAX_NAME)} characters`,
    });
  }
  const seen = new Set<string>();
  for (const [index, { every }] of rollups.entries()) {
    if (seen.has(every)) {
      const message = `two roll-ups would be the table ${JSON.stringify(rollupName(table.name, every))}`;
      findings.push({ path: ['spec', 'rollups', index, 'every'], message, allowed: 'an interval of its own' });
    }
    seen.add(every);
  }
  return findings;
}

function checkUnique(pipeline: Pipeline): Finding[] {
  const { unique } = pipeline.spec.table;
  if (!unique) return [];
  const path = [...TABLE, 'unique', 'columns'];
  if (!unique.columns) {
    if (unique.keep === undefined) return [];
    const allowed = `columns, with ${JSON.stringify(TIME_COLUMN)} among them`;
    return [{ path: [...TABLE, 'unique', 'keep'], message: 'keep without columns keeps every row', allowed, at: 'name' }];
  }
  const findings = checkColumnNames(pipeline, path, unique.columns, ANY_COLUMN);
  if (!unique.columns.includes(TIME_COLUMN))
    findings.push({
      path,
      message: `the column ${JSON.stringify(TIME_COLUMN)} is missing`,
      allowed: `${TIME_COLUMN} and what tells rows of one time apart`,
    });
  return findings;
}

function checkLatest(pipeline: Pipeline): Finding[] {
  const { by, of } = pipeline.spec.table.latest ?? {};
  const { key } = pipeline.spec.record;
  const path = [...TABLE, 'latest'];
  const findings = [
    ...checkColumnNames(pipeline, [...path, 'by'], by ?? [], EXACT_COLUMN),
    ...checkColumnNames(pipeline, [...path, 'of'], of ?? [], GROUP_COLUMN),
  ];
  // Rows of one combination are all in one partition then, and are stored by one sink at a time.
  if (by !== undefined && !by.includes(key))
    findings.push({
      path: [...path, 'by'],
      message: `the key ${JSON.stringify(key)} is missing`,
      allowed: `${key} and what else tells rows apart`,
    });
  return findings;
}

function checkIntervals(pipeline: Pipeline): Finding[] {
  const { compress, retain } = pipeline.spec.table;
  if (!compress || retain === undefined || durationMs(compress.after) < durationMs(retain)) return [];
  const message = `rows are removed after ${retain}, before they would be compressed`;
  return [{ path: [...TABLE, 'compress', 'after'], message, allowed: `less than ${retain}` }];
}

function checkRollup(pipeline: Pipeline, rollup: Rollup, path: Path): Finding[] {
  const by = rollup.by ?? [pipeline.spec.record.key];
  return [
    ...checkColumnNames(pipeline, [...path, 'of'], rollup.of, NUMERIC_COLUMN),
    ...checkColumnNames(pipeline, [...path, 'by'], rollup.by ?? [], GROUP_COLUMN),
    ...checkRollupColumns(pipeline, rollup, by, path),
    ...checkRollupIntervals(pipeline, rollup, path),
  ];
}

function checkRollupColumns(pipeline: Pipeline, { of }: Rollup, by: readonly string[], path: Path): Finding[] {
  const known = new Set(columnsOf(pipeline).map(({ name }) => name));
  const taken = new Set([BUCKET_COLUMN]);
  const wrong = (place: Path, message: string): Finding => ({
    path: [...path, ...place],
    message,
    allowed: 'columns with other names',
  });
  const findings: Finding[] = [];
  for (const name of by) {
    if (taken.has(name)) findings.push(wrong(['by'], `the roll-up has a column ${JSON.stringify(name)} of its own`));
    taken.add(name);
  }
  for (const [index, name] of of.entries()) {
    if (!known.has(name) || of.indexOf(name) !== index) continue; // said already
    for (const { suffix } of STATISTICS) {
      const column = `${name}_${suffix}`;
      if (taken.has(column))
        findings.push(wrong(['of', index], `the roll-up would have the column ${JSON.stringify(column)} twice`));
      if (column.length > MAX_NAME)
        findings.push(
          wrong(['of', index], `the name of the column ${JSON.stringify(column)} is longer than ${MAX_NAME} characters`),
        );
      taken.add(column);
    }
  }
  return findings;
}

function checkRollupIntervals(pipeline: Pipeline, { every, retain }: Rollup, path: Path): Finding[] {
  const findings: Finding[] = [];
  const tableRetain = pipeline.spec.table.retain;
  // A continuous aggregate is refreshed from whole buckets that the table still has: two and the running one.
  if (tableRetain !== undefined && durationMs(tableRetain) < 3 * durationMs(every))
    findings.push({
      path: [...path, 'every'],
      message: `the table keeps rows for ${tableRetain}, which is less than three buckets`,
      allowed: 'at most a third of table.retain',
    });
  if (retain !== undefined && durationMs(retain) < durationMs(every))
    findings.push({
      path: [...path, 'retain'],
      message: 'a bucket would be removed before it is full',
      allowed: `at least ${every}`,
    });
  return findings;
}
