/** What Prometheus alerts about on the whole platform; what it alerts about for one Pipeline is in `pipeline/rules.ts`. */
import type { Rule } from '../constructs/rules.ts';

const P = '{{ $labels.pipeline }}';
/** What a counter counted in the last hour, by Pipeline; also where it is new, of which increase() knows nothing. */
function counted(metric: string): string {
  return `sum by (pipeline) (${metric} - (${metric} offset 1h or ${metric} * 0)) > 0`;
}

export const RULES: readonly Rule[] = [
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
    alert: 'MillraceLatestTopicBehind',
    expr: 'max by (pipeline) (millrace_latest_oldest_unsent_seconds) > 300',
    for: '2m',
    severity: 'warning',
    summary: `The topic of newest rows of ${P} is behind its table`,
    description: `A newest row of ${P} that changed {{ $value | humanizeDuration }} ago is not in its topic; rows are stored all the same.`,
    runbook: 'latest-topic-behind',
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
  {
    alert: 'MillraceRevokedListEnds',
    // The one that is, and the one that the broker was seen to have. As last seen, be the role gone: a list ends all the same.
    expr: ['crl_end', 'broker_crl_end']
      .map((list) => `max(max_over_time(millrace_devices_${list}_timestamp_seconds[8d])) - time() < 3 * 86400`)
      .join(' or '),
    for: '10m',
    severity: 'critical',
    summary: 'Soon no device is let in: the list of revoked certificates ends',
    description:
      'The list of revoked certificates that the broker has, or the newest there is, is good for {{ $value | humanizeDuration }} more; after it the broker lets no device in.',
    runbook: 'devices',
  },
  {
    alert: 'MillraceRevokedConnected',
    expr: 'max(millrace_devices_over_certificates) > 0',
    for: '2m',
    severity: 'critical',
    summary: 'A device may be connected with a certificate that is revoked or has ended',
    description: 'Of {{ $value }} certificates that are over nobody knows that their devices are off the broker.',
    runbook: 'devices',
  },
  {
    alert: 'MillraceCertificateEnds',
    expr: 'min by (certificate) (millrace_devices_certificate_end_timestamp_seconds) - time() < 60 * 86400',
    for: '10m',
    severity: 'warning',
    summary: 'A certificate on which devices depend ends: {{ $labels.certificate }}',
    description: 'The certificate {{ $labels.certificate }} is good for {{ $value | humanizeDuration }} more.',
    runbook: 'devices',
  },
  {
    alert: 'MillraceRulesRefused',
    expr: 'prometheus_config_last_reload_successful{job="prometheus"} == 0',
    for: '2m',
    severity: 'warning',
    summary: 'Prometheus does not take up rules',
    description: 'Rules or configuration that came last were refused; those from before are still in force.',
    runbook: 'rules-refused',
  },
];
