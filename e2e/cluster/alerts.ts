/** Each alert of the platform, firing and not firing: promtool's unit tests, run in the Prometheus pod against the rules it has. */
import { RULES } from '@millrace/cdk8s/platform/rules.ts';
import type { Kubectl } from '@millrace/deploy/kubectl.ts';

/** Values as promtool writes them: `_` nothing, `5x40` 5 and then 40 times more, every 15 s. */
interface Series {
  series: string;
  values: string;
}

interface Case {
  at: string;
  fires: Series;
  quiet: Series;
}

const both = (series: string, at: string, fires: string, quiet: string): Case => ({
  at,
  fires: { series, values: fires },
  quiet: { series, values: quiet },
});

const CASES: Record<string, Case[]> = {
  MillraceLag: [
    both('millrace_sink_lag_seconds{pipeline="a"}', '3m', '250x40', '150x40'),
    both('millrace_processor_lag_seconds{pipeline="a"}', '3m', '250x40', '250x4 0x40'),
  ],
  MillraceLagCritical: [both('millrace_sink_lag_seconds{pipeline="a"}', '3m', '310x40', '250x40')],
  MillraceLedgerDifference: [both('millrace_audit_difference_rows{pipeline="a",check="table"}', '2m', '0x4 -3x40', '0x40')],
  MillraceAuditMissing: [both('millrace_audit_last_timestamp_seconds{pipeline="a"}', '3h20m', '0x900', '10000x900')],
  MillraceRecordsLost: [
    // A counter is there only once it has counted: its first value is news as well.
    both('millrace_sink_lost_records_total{pipeline="a"}', '5m', '_x10 5x40', '0x40'),
    both('millrace_processor_lost_records_total{pipeline="a"}', '1h10m', '5x250 7x60', '5x300'),
  ],
  MillraceSinkPaused: [both('millrace_sink_paused_partitions{pipeline="a",reason="database"}', '5m', '0x4 2x40', '2x4 0x40')],
  MillraceProcessorPaused: [both('millrace_processor_paused_partitions{pipeline="a"}', '5m', '0x4 2x40', '2x4 0x40')],
  MillraceRoleDown: [both('up{job="millrace",pod="a-sink",component="sink"}', '5m', '1x4 0x40', '0x4 1x40')],
};

/** @throws Error with what promtool says, or where an alert has no case */
export async function checkAlerts(kubectl: Kubectl): Promise<void> {
  const without = RULES.filter(({ alert }) => !CASES[alert]).map(({ alert }) => alert);
  if (without.length > 0) throw new Error(`no test of the alerts ${without.join(', ')}`);
  const tests = Object.entries(CASES).flatMap(([alert, cases]) =>
    cases.flatMap(({ at, fires, quiet }) => [testOf(alert, at, fires, true), testOf(alert, at, quiet, false)]),
  );
  const file = JSON.stringify({ rule_files: ['/etc/prometheus/rules.json'], evaluation_interval: '15s', tests });
  // It keeps its series in a folder of its own, and only the volume can be written to.
  await kubectl.feed(
    file,
    'exec',
    '--stdin',
    'prometheus-0',
    '--',
    'env',
    'TMPDIR=/prometheus',
    'promtool',
    'test',
    'rules',
    '/dev/stdin',
  );
}

function testOf(alert: string, at: string, series: Series, fires: boolean): object {
  return {
    name: `${alert} ${fires ? 'fires' : 'is quiet'}`,
    interval: '15s',
    input_series: [series],
    promql_expr_test: [
      {
        expr: `count by (alertname) (ALERTS{alertname="${alert}",alertstate="firing"})`,
        eval_time: at,
        exp_samples: fires ? [{ labels: `{alertname="${alert}"}`, value: 1 }] : [],
      },
    ],
  };
}
