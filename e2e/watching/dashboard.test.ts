/**
 * Every query of the dashboards of the examples, asked of what they are for: SQL of a real PostgreSQL with the Pipeline's real
 * table, as the reader that Grafana is; PromQL of promtool, where it is installed (Debian's package `prometheus`).
 */
import { join, resolve } from 'node:path';
import { dashboardOf } from '@millrace/cdk8s/pipeline/dashboard.ts';
import { defaultValues } from '@millrace/cdk8s/platform/loadValues.ts';
import { connectDatabase } from '@millrace/core/database/connect.ts';
import { loadPipelines } from '@millrace/core/spec/load.ts';
import { namesOf } from '@millrace/core/spec/names.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import { columnsOf } from '@millrace/core/table/columns.ts';
import { type EmbeddedPostgres, startPostgres } from '@millrace/embedded/postgres.ts';
import { modelOf } from '@millrace/setup/model.ts';
import { withSession } from '@millrace/setup/session.ts';
import { setupDatabase } from '@millrace/setup/setup.ts';
import type { Pool } from 'pg';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { databaseRoles } from '../secured/feed.ts';
import { hasPromtool, promtool } from './promtool.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const EXAMPLES = ['traffic', 'environment'];
const loaded = await loadPipelines(EXAMPLES.map((name) => join(ROOT, 'examples', name, 'pipeline.yaml')));
const log = pino({ level: 'silent' });
const TIME = '2024-05-01T12:00:00Z';
const KEY = "it's 1";

interface Target {
  rawSql?: string;
  expr?: string;
}
const dashboard = (pipeline: Pipeline) =>
  dashboardOf(pipeline, defaultValues()) as unknown as {
    panels: { title: string; targets?: Target[] }[];
    templating: { list: { query: { rawSql: string } }[] };
  };

/** As Grafana fills them in. */
const filled = (sql: string): string =>
  sql
    .replaceAll(/\$__timeFilter\(([^)]+)\)/g, "$1 BETWEEN '2024-01-01T00:00:00Z' AND '2025-01-01T00:00:00Z'")
    .replaceAll('$__interval_ms', '60000')
    .replaceAll(/\$\{key:sqlstring\}/g, `'${KEY.replaceAll("'", "''")}'`);

let postgres: EmbeddedPostgres;
let superuser: Pool;
let pools: Awaited<ReturnType<typeof databaseRoles>>;
beforeAll(async () => {
  postgres = await startPostgres();
  superuser = connectDatabase({ url: postgres.url, applicationName: 'superuser', log });
  pools = await databaseRoles(postgres.url, superuser);
  for (const { pipeline } of loaded) {
    await withSession(pools.owner, 60_000, (session) => setupDatabase(session, modelOf(pipeline), []));
    await insertOne(pipeline);
  }
});
afterAll(async () => {
  await Promise.all([superuser, ...Object.values(pools ?? {})].map((pool) => pool?.end()));
  await postgres?.stop();
});

const VALUES: Record<string, unknown> = { text: 'x', int: 1, float: 1.5, bool: true, time: TIME, json: '{"a":1}' };

async function insertOne(pipeline: Pipeline): Promise<void> {
  const { schema, table, latestTable, pipeline: name } = namesOf(pipeline);
  const columns = columnsOf(pipeline);
  const values = columns.map((column) => (column.name === pipeline.spec.record.key ? KEY : VALUES[column.type]));
  const list = columns.map((column) => `"${column.name}"`).join(', ');
  const places = columns.map((_, index) => `$${index + 1}`).join(', ');
  for (const target of [table, latestTable])
    await pools.writer.query(`INSERT INTO "${schema}"."${target}" (${list}) VALUES (${places})`, values);
  await pools.writer.query('INSERT INTO millrace.ledger (pipeline, partition, hour, stored) VALUES ($1, 0, $2, 1)', [name, TIME]);
}

describe.each(loaded.map(({ pipeline }) => [pipeline.metadata.name, pipeline] as const))('%s', (_, pipeline) => {
  const { panels, templating } = dashboard(pipeline);
  const statements = panels.flatMap(({ title, targets = [] }) =>
    targets.flatMap(({ rawSql }) => (rawSql === undefined ? [] : [[title, rawSql] as const])),
  );

  test.each(statements)('the reader may ask for %s, and gets the row that is there', async (_title, sql) => {
    const { rows } = await pools.reader.query(filled(sql));
    expect(rows).toHaveLength(1);
    expect(Object.values(rows[0])).not.toContain(null);
  });

  test('the choice of keys has them', async () => {
    const [variable] = templating.list;
    const { rows } = await pools.reader.query(variable?.query.rawSql ?? '');
    expect(rows.map((row) => Object.values(row))).toEqual([[KEY]]);
  });

  test.skipIf(!hasPromtool)('promtool: every expression is one', () => {
    const expressions = panels.flatMap(({ targets = [] }) => targets.flatMap(({ expr }) => expr ?? []));
    expect(expressions.length).toBeGreaterThan(5);
    const rules = expressions.map((expr, index) => ({
      record: `panel:${index}`,
      expr: expr.replaceAll(/\$__(rate_interval|range)/g, '1m'),
    }));
    expect(
      promtool({ 'panels.json': JSON.stringify({ groups: [{ name: 'panels', rules }] }) }, 'check', 'rules', 'panels.json'),
    ).toBe('');
  });
});
