/** Names of columns: each once, none that is taken, and the key is one of them. */
import { APPENDED_COLUMN, columnsOf, EXTRA_COLUMN, TIME_COLUMN, TIME_NS_COLUMN, uniqueOf } from '../../table/columns.ts';
import { nearest } from '../nearest.ts';
import type { Pipeline } from '../pipeline.ts';
import { type Finding, nameList, type Path } from '../problem.ts';

const RESERVED = new Map([
  [TIME_COLUMN, 'the time of the record (record.time)'],
  [EXTRA_COLUMN, 'unknown fields (table.extra)'],
  [APPENDED_COLUMN, 'the append time of the record'],
  ...['tableoid', 'xmin', 'cmin', 'xmax', 'cmax', 'ctid'].map((name): [string, string] => [
    name,
    'a system column of PostgreSQL',
  ]),
]);

/** Of PostgreSQL (https://www.postgresql.org/docs/current/limits.html). `unique` adds one. */
const MAX_COLUMNS = 1_600;

export function checkColumns(pipeline: Pipeline): Finding[] {
  const { fields, derive = [], key, time } = pipeline.spec.record;
  const findings: Finding[] = [];
  const owners = new Map<string, string>(time.nanoseconds ? [[TIME_NS_COLUMN, 'record.time.nanoseconds']] : []);
  const claim = (column: string, owner: string, path: Path, at?: 'name'): void => {
    const place = { path, ...(at === undefined ? {} : { at }) };
    const use = RESERVED.get(column);
    const other = owners.get(column);
    const found = JSON.stringify(column);
    if (use) findings.push({ ...place, message: `the column ${found} is kept for ${use}`, found, allowed: 'another name' });
    else if (other)
      findings.push({
        ...place,
        message: `the column ${found} comes twice: from ${other} and ${owner}`,
        found,
        allowed: 'each column once',
      });
    else owners.set(column, owner);
  };
  for (const [name, { type }] of Object.entries(fields)) {
    const columns = type === 'point' ? [`${name}_lat`, `${name}_lon`] : [name];
    for (const column of columns) claim(column, `the field ${name}`, ['spec', 'record', 'fields', name], 'name');
  }
  for (const [index, { name }] of derive.entries()) claim(name, `derive[${index}]`, ['spec', 'record', 'derive', index, 'name']);
  const count = columnsOf(pipeline).length + (uniqueOf(pipeline) === null ? 0 : 1);
  if (count > MAX_COLUMNS) {
    const message = `the table would have ${count} columns, more than PostgreSQL allows`;
    const found = `${Object.keys(fields).length} fields (a point is two columns) and ${derive.length} derived ones`;
    findings.push({ path: ['spec', 'record', 'fields'], message, found, allowed: `at most ${MAX_COLUMNS} columns` });
  }
  return [...findings, ...checkKey(key, fields)];
}

function checkKey(key: string, fields: Pipeline['spec']['record']['fields']): Finding[] {
  const field = Object.hasOwn(fields, key) ? fields[key] : undefined;
  if (field && field.type !== 'point') return [];
  const names = Object.keys(fields).filter((name) => fields[name]?.type !== 'point');
  const message = field ? `the field ${JSON.stringify(key)} is a point, which cannot be a key` : unknown('field', key, names);
  return [{ path: ['spec', 'record', 'key'], message, allowed: `one of the fields ${nameList(names)}` }];
}

function unknown(what: string, name: string, names: readonly string[]): string {
  const meant = nearest(name, names);
  return `there is no ${what} ${JSON.stringify(name)}${meant === null ? '' : `; did you mean ${JSON.stringify(meant)}?`}`;
}

/** Which columns a list of names may hold, and what it is for. */
export interface ColumnRule {
  what: string;
  fits(type: string, name: string): boolean;
}

/** Names in a list that are no columns, do not fit, or come twice. */
export function checkColumnNames(pipeline: Pipeline, path: Path, list: readonly string[], rule: ColumnRule): Finding[] {
  const columns = columnsOf(pipeline);
  const fitting = columns.filter(({ name, type }) => rule.fits(type, name)).map(({ name }) => name);
  return list.flatMap((name, index) => {
    const finding = (message: string): Finding[] => [
      {
        path: [...path, index],
        message,
        found: JSON.stringify(name),
        allowed: `${rule.what}: ${nameList(fitting)}`,
      },
    ];
    const column = columns.find((candidate) => candidate.name === name);
    if (!column) return finding(unknown('column', name, fitting));
    if (!fitting.includes(name)) return finding(`the column ${JSON.stringify(name)} is ${column.type}, which does not go here`);
    return list.indexOf(name) === index ? [] : finding(`${JSON.stringify(name)} comes twice`);
  });
}
