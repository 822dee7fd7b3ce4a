/**
 * The dashboard of one Pipeline, as Grafana's Foundation SDK builds it: is it late, what comes and goes, what was refused and
 * why, and the table itself. Its ConfigMap carries the label by which Grafana takes it up, ours and those of others.
 */
import { createHash } from 'node:crypto';
import { PanelBuilder as BarGauge } from '@grafana/grafana-foundation-sdk/bargauge';
import type { Builder, Dataquery } from '@grafana/grafana-foundation-sdk/cog';
import type { DataSourceRef } from '@grafana/grafana-foundation-sdk/common';
import {
  type Dashboard,
  DashboardBuilder,
  QueryVariableBuilder,
  RowBuilder,
  ThresholdsConfigBuilder,
  ThresholdsMode,
  VariableRefresh,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { DataqueryBuilder } from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder as Stat } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as Table } from '@grafana/grafana-foundation-sdk/table';
import { PanelBuilder as Timeseries } from '@grafana/grafana-foundation-sdk/timeseries';
import { ALERTS } from '@millrace/core/spec/defaults.ts';
import { namesOf } from '@millrace/core/spec/names.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import type { Column } from '@millrace/core/table/columns.ts';
import type { Construct } from 'constructs';
import { configMap } from '../constructs/config.ts';
import { DASHBOARD_LABEL, SOURCES } from '../platform/grafana.ts';
import type { Values } from '../platform/values.ts';
import { drawable, promqlOf, sqlOf } from './dashboardQueries.ts';
import { identityOf, type PipelineContext } from './workloads.ts';

const DATABASE: DataSourceRef = { type: 'grafana-postgresql-datasource', uid: SOURCES.database };
const PROMETHEUS: DataSourceRef = { type: 'prometheus', uid: SOURCES.prometheus };
/** Over which the rows of a replay with its original times are shown: they are not of today. */
const HISTORY = '20y';

/** Its panels have ids by their order. Pure. @param values without a Prometheus, its panels are left out */
export function dashboardOf(pipeline: Pipeline, { prometheus }: Pick<Values, 'prometheus'>): Dashboard {
  const { pipeline: name } = namesOf(pipeline);
  const board = new DashboardBuilder(name)
    // At most 40 characters are allowed, and names may be longer.
    .uid(`millrace-${createHash('sha256').update(name).digest('hex').slice(0, 16)}`)
    .tags(['millrace'])
    .time({ from: 'now-6h', to: 'now' })
    .refresh('30s')
    .readonly()
    .withVariable(
      new QueryVariableBuilder('key')
        .label(pipeline.spec.record.key)
        .datasource(DATABASE)
        .query({ rawSql: sqlOf(pipeline).keys, format: 'table', refId: 'key', rawQuery: true, editorMode: 'code' })
        .refresh(VariableRefresh.OnTimeRangeChanged)
        .multi(true)
        .includeAll(false),
    );
  overview(board, pipeline, prometheus.enabled);
  if (prometheus.enabled) flow(board, pipeline);
  rowsOf(board, pipeline);
  const built = board.build();
  for (const [index, panel] of (built.panels ?? []).entries()) panel.id = index + 1;
  return built;
}

function overview(board: DashboardBuilder, pipeline: Pipeline, watched: boolean): void {
  const sql = sqlOf(pipeline);
  const promql = promqlOf(pipeline);
  const stat = (title: string, unit: string): Stat => new Stat().title(title).unit(unit).span(6).height(4);
  if (watched)
    board
      .withPanel(measured(stat('Lag', 's').thresholds(lagSteps(pipeline)), ask(promql.lag, 'lag').instant()))
      .withPanel(measured(stat('Partitions that wait', 'short'), ask(promql.paused, 'partitions').instant()));
  board
    .withPanel(stored(stat('Rows stored', 'short'), sql.rowsStored, 'table'))
    .withPanel(stored(stat('Newest row', 'dateTimeFromNow'), sql.newestRow, 'table'));
}

function flow(board: DashboardBuilder, pipeline: Pipeline): void {
  const promql = promqlOf(pipeline);
  const series = (title: string, unit: string): Timeseries => new Timeseries().title(title).unit(unit).span(12).height(8).min(0);
  board
    .withRow(new RowBuilder('Flow'))
    .withPanel(
      measured(
        series('Lag: how long the oldest record waits', 's'),
        ask(promql.lagOf('processor'), 'processor'),
        ask(promql.lagOf('sink'), 'sink'),
      ),
    )
    .withPanel(
      measured(
        series('Records per second', 'short'),
        ask(promql.in, 'in'),
        ask(promql.out, 'out'),
        ask(promql.refused, 'refused'),
      ),
    )
    .withPanel(
      measured(
        new BarGauge().title('Refusals by reason').unit('short').span(12).height(8).min(0),
        ask(promql.refusedBy, '{{stage}}: {{reason}}').instant(),
        ask(promql.refusedByDatabase, 'database').instant(),
      ),
    );
}

function rowsOf(board: DashboardBuilder, pipeline: Pipeline): void {
  const sql = sqlOf(pipeline);
  const { source, table } = pipeline.spec;
  const isHistory = source.replay !== undefined && (source.replay.clock ?? 'original') === 'original';
  const overTime = ({ name, type, unit }: Column): Timeseries => {
    const panel = new Timeseries().title(name).span(12).height(8);
    if (unit !== undefined) panel.unit(`suffix: ${unit}`);
    if (type === 'bool') panel.unit('percentunit').min(0).max(1);
    return isHistory ? panel.timeFrom(table.retain ?? HISTORY) : panel;
  };
  board
    .withPanel(
      stored(new Timeseries().title('Records per hour').unit('short').span(12).height(8).min(0), sql.rowsPerHour, 'time_series'),
    )
    .withRow(new RowBuilder('Newest row of each'))
    .withPanel(
      stored(
        new Table().title(`${table.name}: newest row of each ${pipeline.spec.record.key}`).span(24).height(10),
        sql.latest,
        'table',
      ),
    )
    .withRow(new RowBuilder('Over time'));
  for (const column of drawable(pipeline)) board.withPanel(stored(overTime(column), sql.series(column), 'time_series'));
}

/** Colours as the alerts have them. */
function lagSteps({ spec }: Pipeline): ThresholdsConfigBuilder {
  const { warn = ALERTS.lagSeconds.warn, critical = ALERTS.lagSeconds.critical } = spec.alerts?.lagSeconds ?? {};
  return new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps([
    { value: null, color: 'green' },
    { value: warn, color: 'orange' },
    { value: critical, color: 'red' },
  ]);
}

function ask(expr: string, legend: string): DataqueryBuilder {
  return new DataqueryBuilder().expr(expr).legendFormat(legend).datasource(PROMETHEUS);
}

interface Panel<P> {
  datasource(source: DataSourceRef): P;
  withTarget(target: Builder<Dataquery>): P;
}

function measured<P extends Panel<P>>(panel: P, ...queries: readonly DataqueryBuilder[]): P {
  panel.datasource(PROMETHEUS);
  for (const [index, query] of queries.entries()) panel.withTarget(query.refId(String.fromCharCode(65 + index)));
  return panel;
}

/** The SDK has no builder of a query of this data source: its members are those that Grafana's own editor writes. */
function stored<P extends Panel<P>>(panel: P, rawSql: string, format: 'table' | 'time_series'): P {
  const query = { refId: 'A', datasource: DATABASE, rawSql, format, rawQuery: true, editorMode: 'code' };
  return panel.datasource(DATABASE).withTarget({ build: () => query as unknown as Dataquery });
}

export function dashboardConfig(scope: Construct, { pipeline, values }: PipelineContext): void {
  const { name, namespace } = namesOf(pipeline);
  // Others put the files of all namespaces into one folder.
  const file = `${namespace}-${name}.json`;
  const content = `${JSON.stringify(dashboardOf(pipeline, values), null, 1)}\n`;
  configMap(scope, 'dashboard', `${name}-dashboard`, identityOf(pipeline, 'dashboard'), { [file]: content }, DASHBOARD_LABEL);
}
