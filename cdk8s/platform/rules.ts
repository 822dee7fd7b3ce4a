/**
 * What Prometheus alerts about on the whole platform. Alerts are by time, never by message counts; each says what is the
 * matter with numbers, and which page of docs/runbooks/ tells what to do.
 */

export interface Rule {
  alert: string;
  expr: string;
  /** How long it must be so. */
  for: string;
  severity: 'warning' | 'critical';
  summary: string;
  description: string;
  /** File in docs/runbooks. */
  runbook: string;
}

const P = '{{ $labels.pipeline }}';
/** Of the role that is later. */
const LAG = 'max by (pipeline) ({__name__=~"millrace_(processor|sink)_lag_seconds"})';

/** What a counter counted in the last hour, by Pipeline; also where it is new, of which increase() knows nothing. */
function counted(metric: string): string {
  return `sum by (pipeline) (${metric} - (${metric} offset 1h or ${metric} * 0)) > 0`;
}

export const RULES: readonly Rule[] = [
  {
    alert: 'MillraceLag',
    expr: `${LAG} > 200`,
    for: '2m',
    severity: 'warning',
    summary: `Rows of ${P} come late`,
    description: `The oldest record of ${P} before its processor or its sink has waited {{ $value | humanizeDuration }}.`,
    runbook: 'lag',
  },
  {
    alert: 'MillraceLagCritical',
    expr: `${LAG} > 300`,
    for: '2m',
    severity: 'critical',
    summary: `Rows of ${P} come very late`,
    description: `The oldest record of ${P} before its processor or its sink has waited {{ $value | humanizeDuration }}.`,
    runbook: 'lag',
  },
  {
    alert: 'MillraceLedgerDifference',
    expr: 'max by (pipeline, check) (abs(millrace_audit_difference_rows)) > 0',
    for: '0s',
    severity: 'critical',
    summary: `The ledger of ${P} does not add up`,
    description: `The last audit of ${P} found {{ $value }} rows of difference by the check {{ $labels.check }}.`,
    runbook: 'ledger-difference',
  },
  {
    alert: 'MillraceAuditMissing',
    expr: 'time() - max by (pipeline) (millrace_audit_last_timestamp_seconds) > 10800',
    for: '10m',
    severity: 'warning',
    summary: `${P} is not audited`,
    description: `The last audit of ${P} that came to an end began {{ $value | humanizeDuration }} ago.`,
    runbook: 'ledger-difference',
  },
  {
    alert: 'MillraceRecordsLost',
    expr: `${counted('millrace_sink_lost_records_total')} or ${counted('millrace_processor_lost_records_total')}`,
    for: '0s',
    severity: 'critical',
    summary: `Records of ${P} were lost`,
    description: `{{ $value }} records of ${P} were gone from the log before they were read, in the last hour.`,
    runbook: 'records-lost',
  },
  {
    alert: 'MillraceSinkPaused',
    expr: 'sum by (pipeline, reason) (millrace_sink_paused_partitions) > 0',
    for: '2m',
    severity: 'critical',
    summary: `The sink of ${P} cannot write`,
    description: `{{ $value }} partitions of ${P} wait: {{ $labels.reason }}.`,
    runbook: 'sink-paused',
  },
  {
    alert: 'MillraceProcessorPaused',
    expr: 'sum by (pipeline) (millrace_processor_paused_partitions) > 0',
    for: '2m',
    severity: 'critical',
    summary: `The processor of ${P} cannot go on`,
    description: `{{ $value }} partitions of ${P} wait because of an error.`,
    runbook: 'sink-paused',
  },
  {
    alert: 'MillraceRoleDown',
    expr: 'up{job="millrace"} == 0',
    for: '2m',
    severity: 'critical',
    summary: 'The pod {{ $labels.pod }} does not answer',
    description: 'Prometheus gets no metrics from {{ $labels.component }} in {{ $labels.pod }}.',
    runbook: 'role-down',
  },
];

/** As Prometheus reads it; JSON, which is YAML. */
export function ruleFile(rules: readonly Rule[]): string {
  const groups = [
    {
      name: 'millrace',
      rules: rules.map(({ alert, expr, for: duration, severity, summary, description, runbook }) => ({
        alert,
        expr,
        for: duration,
        labels: { severity },
        annotations: { summary, description, runbook: `docs/runbooks/${runbook}.md` },
      })),
    },
  ];
  return `${JSON.stringify({ groups }, null, 2)}\n`;
}
