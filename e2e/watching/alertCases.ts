/**
 * Each alert, firing and not firing, as promtool's unit tests (https://prometheus.io/docs/prometheus/latest/configuration/unit_testing_rules/):
 * run against the rules that Prometheus has in the cluster (`cluster/alerts.ts`), and against rule files (`alerts.test.ts`).
 */
import { pipelineRules } from '@millrace/cdk8s/pipeline/rules.ts';
import { RULES } from '@millrace/cdk8s/platform/rules.ts';
import { namesOf } from '@millrace/core/spec/names.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';

/** Values as promtool writes them: `_` nothing, `5x40` 5 and then 40 times more, every 15 s. */
type Series = Record<string, string>;

interface Case {
  at: string;
  fires: Series;
  quiet: Series;
}

const both = (series: string, at: string, fires: string, quiet: string): Case => ({
  at,
  fires: { [series]: fires },
  quiet: { [series]: quiet },
});

const OF_PLATFORM: Record<string, Case[]> = {
  MillraceLedgerDifference: [both('millrace_audit_difference_rows{pipeline="a",check="table"}', '2m', '0x4 -3x40', '0x40')],
  MillraceAuditMissing: [both('millrace_audit_last_timestamp_seconds{pipeline="a"}', '3h20m', '0x900', '10000x900')],
  MillraceRecordsLost: [
    // A counter is there only once it has counted: its first value is news as well.
    both('millrace_sink_lost_records_total{pipeline="a"}', '5m', '_x10 5x40', '0x40'),
    both('millrace_processor_lost_records_total{pipeline="a"}', '1h10m', '5x250 7x60', '5x300'),
  ],
  MillraceSinkPaused: [both('millrace_sink_paused_partitions{pipeline="a",reason="database"}', '5m', '0x4 2x40', '2x4 0x40')],
  MillraceProcessorPaused: [both('millrace_processor_paused_partitions{pipeline="a"}', '5m', '0x4 2x40', '2x4 0x40')],
  MillraceLatestTopicBehind: [both('millrace_latest_oldest_unsent_seconds{pipeline="a"}', '3m', '310x40', '290x40')],
  MillraceRoleDown: [both('up{job="millrace",pod="a-sink",component="sink"}', '5m', '1x4 0x40', '0x4 1x40')],
  MillraceRevokedListEnds: [
    // A role that has started again and does not know yet says NaN.
    both('millrace_devices_crl_end_timestamp_seconds', '20m', '100000x80', `600000x40${' NaN'.repeat(40)}`),
    // The broker has not taken the newest one.
    {
      at: '20m',
      fires: {
        millrace_devices_crl_end_timestamp_seconds: '600000x80',
        millrace_devices_broker_crl_end_timestamp_seconds: '100000x80',
      },
      quiet: {
        millrace_devices_crl_end_timestamp_seconds: '600000x80',
        millrace_devices_broker_crl_end_timestamp_seconds: '100000x4 600000x76',
      },
    },
    // Nobody is there any more who would make another one.
    both('millrace_devices_crl_end_timestamp_seconds', '30m', '260000x20', '600000x20'),
  ],
  MillraceRevokedConnected: [both('millrace_devices_over_certificates', '5m', '0x4 2x40', '2x4 0x40')],
  MillraceCertificateEnds: [
    both('millrace_devices_certificate_end_timestamp_seconds{certificate="broker"}', '20m', '5000000x80', '6000000x80'),
  ],
  MillraceRulesRefused: [both('prometheus_config_last_reload_successful{job="prometheus"}', '5m', '1x4 0x40', '0x4 1x40')],
};

/** Of a Pipeline whose spec says nothing about alerts. */
function ofPipeline(pipeline: Pipeline): Record<string, Case[]> {
  const own = `pipeline="${namesOf(pipeline).pipeline}"`;
  const processed = (result: string): string => `millrace_processor_records_total{${own},result="${result}"}`;
  const producer = (metric: string): string => `millrace_producer_${metric}{${own},source="replay"}`;
  const ofPod = (pod: string): string => `millrace_producer_records_total{${own},source="mqtt",pod="${pod}"}`;
  const refusedBySink = `millrace_sink_rows_total{${own},result="refused"}`;
  return {
    MillraceLag: [
      both(`millrace_sink_lag_seconds{${own}}`, '3m', '250x40', '150x40'),
      both(`millrace_processor_lag_seconds{${own}}`, '3m', '250x40', '250x4 0x40'),
      // That of another Pipeline is none of its business.
      {
        at: '3m',
        fires: { [`millrace_sink_lag_seconds{${own}}`]: '250x40' },
        quiet: { 'millrace_sink_lag_seconds{pipeline="other"}': '250x40' },
      },
    ],
    MillraceLagCritical: [both(`millrace_sink_lag_seconds{${own}}`, '3m', '310x40', '250x40')],
    MillraceSilent: [
      both(producer('records_total'), '15m', '0+10x8 90x60', '0+1x80'),
      // All came before it was read for the first time.
      both(producer('records_total'), '12m', '7x60', '_x40 7x20'),
      // One of several producers may have nothing to do.
      {
        at: '15m',
        fires: { [ofPod('a')]: '7x80', [ofPod('b')]: '7x80' },
        quiet: { [ofPod('a')]: '7x80', [ofPod('b')]: '0+1x80' },
      },
      // A topic that others fill has no producer.
      both(processed('rows'), '15m', '5x80', '0+1x80'),
      // Nothing was ever read of it; and a file that has come to its end.
      {
        at: '12m',
        fires: { 'up{job="millrace"}': '1x60' },
        quiet: { [producer('records_total')]: '7x60', [producer('completed')]: '1x60' },
      },
    ],
    MillraceRejected: [
      {
        at: '10m',
        fires: { [processed('rows')]: '0+98x60', [processed('refused')]: '0+2x60' },
        quiet: { [processed('rows')]: '0+995x60', [processed('refused')]: '0+5x60' },
      },
      // All of a file at once, before it was read for the first time.
      {
        at: '3m',
        fires: { [processed('rows')]: '90x60', [processed('refused')]: '10x60' },
        quiet: { [processed('rows')]: '100x60', [processed('refused')]: '0x60' },
      },
      // What the database refuses counts as well; long ago is over.
      {
        at: '20m',
        fires: { [processed('rows')]: '0+10x90', [refusedBySink]: '0+1x90' },
        quiet: { [processed('rows')]: '0+10x90', [refusedBySink]: '5x90' },
      },
    ],
  };
}

/** @param files with the platform's rules and those of these Pipelines @throws Error where an alert has no case */
export function promtoolTests(files: readonly string[], pipelines: readonly Pipeline[]): object {
  const groups = [
    { rules: RULES.map(({ alert }) => alert), cases: OF_PLATFORM, pipeline: undefined },
    ...pipelines.map((pipeline) => ({
      rules: pipelineRules(pipeline).map(({ alert }) => alert),
      cases: ofPipeline(pipeline),
      pipeline: namesOf(pipeline).pipeline,
    })),
  ];
  const tests = groups.flatMap(({ rules, cases, pipeline }) =>
    rules.flatMap((alert) => {
      const own = cases[alert];
      if (!own) throw new Error(`no test of the alert ${alert}`);
      return own.flatMap(({ at, fires, quiet }) => [
        testOf(alert, pipeline, at, fires, true),
        testOf(alert, pipeline, at, quiet, false),
      ]);
    }),
  );
  return { rule_files: files, evaluation_interval: '15s', tests };
}

function testOf(alert: string, pipeline: string | undefined, at: string, series: Series, fires: boolean): object {
  const own = pipeline === undefined ? '' : `,pipeline="${pipeline}"`;
  return {
    name: `${alert} ${fires ? 'fires' : 'is quiet'}`,
    interval: '15s',
    input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
    promql_expr_test: [
      {
        expr: `count by (alertname) (ALERTS{alertname="${alert}",alertstate="firing"${own}})`,
        eval_time: at,
        exp_samples: fires ? [{ labels: `{alertname="${alert}"}`, value: 1 }] : [],
      },
    ],
  };
}
