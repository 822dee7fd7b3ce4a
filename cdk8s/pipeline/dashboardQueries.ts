/**
 * What the panels of a Pipeline's dashboard ask. The SQL is plain PostgreSQL, so that it works with TimescaleDB and without;
 * `$__timeFilter`, `$__interval_ms` and `${key:sqlstring}` are filled in by Grafana.
 */
import { literal, quote, table } from '@millrace/core/database/identifier.ts';
import { namesOf } from '@millrace/core/spec/names.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import { type Column, columnsOf, TIME_COLUMN } from '@millrace/core/table/columns.ts';
import { counted, lagSeconds } from './promql.ts';

/** Keys that the dashboard offers, and rows of its tables. */
const MOST = 1_000;
const LEDGER = table('millrace', 'ledger');
const ORIGIN = "TIMESTAMPTZ '2000-01-03 00:00:00+00'";

export function sqlOf(pipeline: Pipeline) {
  const { schema, table: name, latestTable, pipeline: owner } = namesOf(pipeline);
  const { key } = pipeline.spec.record;
  const [rows, latest, device, time] = [table(schema, name), table(schema, latestTable), quote(key), quote(TIME_COLUMN)];
  const own = `pipeline = ${literal(owner)}`;
  return {
    keys: `SELECT DISTINCT ${device}::text FROM ${latest} ORDER BY 1 LIMIT ${MOST}`,
    rowsStored: `SELECT sum(stored) AS rows FROM ${LEDGER} WHERE ${own}`,
    newestRow: `SELECT extract(epoch FROM max(${time})) * 1000 AS newest FROM ${latest}`,
    rowsPerHour: `SELECT hour AS time, sum(stored) AS stored, sum(processor_refused + refused) AS refused, sum(dropped) AS dropped, sum(merged) AS merged FROM ${LEDGER} WHERE ${own} AND $__timeFilter(hour) GROUP BY 1 ORDER BY 1`,
    latest: `SELECT ${columnsOf(pipeline).map(shown).join(', ')} FROM ${latest} ORDER BY ${time} DESC LIMIT ${MOST}`,
    /** One series per chosen key. */
    series: (column: Column) =>
      `SELECT date_bin($__interval_ms * INTERVAL '1 millisecond', ${time}, ${ORIGIN}) AS time, ${device}::text AS metric, ${mean(column)} AS ${quote(column.name)} FROM ${rows} WHERE $__timeFilter(${time}) AND ${device}::text IN (\${key:sqlstring}) GROUP BY 1, 2 ORDER BY 1`,
  };
}

/** Columns that can be drawn over time. */
export function drawable(pipeline: Pipeline): Column[] {
  const { key } = pipeline.spec.record;
  return columnsOf(pipeline).filter(({ name, type }) => name !== key && ['int', 'float', 'bool'].includes(type));
}

function mean({ name, type }: Column): string {
  return `avg(${quote(name)}${type === 'bool' ? '::int' : ''})`;
}

function shown({ name, type }: Column): string {
  return type === 'json' ? `${quote(name)}::text AS ${quote(name)}` : quote(name);
}

export function promqlOf(pipeline: Pipeline) {
  const own = `pipeline="${namesOf(pipeline).pipeline}"`;
  const rate = (selector: string): string => `sum(rate(${selector}[$__rate_interval]))`;
  return {
    lag: lagSeconds(own),
    lagOf: (role: 'processor' | 'sink') => `max(millrace_${role}_lag_seconds{${own}})`,
    in: rate(`millrace_producer_records_total{${own}}`),
    out: rate(`millrace_sink_rows_total{${own},result="stored"}`),
    refused: `${rate(`millrace_processor_records_total{${own},result="refused"}`)} + (${rate(`millrace_sink_rows_total{${own},result="refused"}`)} or vector(0))`,
    paused: `sum(millrace_sink_paused_partitions{${own}}) + (sum(millrace_processor_paused_partitions{${own}}) or vector(0))`,
    refusedBy: counted(`millrace_processor_refused_total{${own}}`, '$__range', 'stage', 'reason'),
    refusedByDatabase: counted(`millrace_sink_rows_total{${own},result="refused"}`, '$__range'),
  };
}
