/**
 * What Prometheus alerts about for one Pipeline, by its `spec.alerts`. Our own Prometheus takes the rules up by the label of
 * their ConfigMap (docs/decisions/0031); a prometheus-operator takes a PrometheusRule.
 */
import { ALERTS } from '@millrace/core/spec/defaults.ts';
import { durationMs } from '@millrace/core/spec/duration.ts';
import { namesOf } from '@millrace/core/spec/names.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import type { Construct } from 'constructs';
import { configMap } from '../constructs/config.ts';
import { prometheusRule, type Rule, ruleFile, ruleGroup } from '../constructs/rules.ts';
import { RULES_LABEL } from '../platform/prometheus.ts';
import { operatorSelects } from '../platform/prometheusOperator.ts';
import { counted, lagSeconds } from './promql.ts';
import { identityOf, type PipelineContext } from './workloads.ts';

/** In which "nothing came" is seen: at least two scrapes of 15 s. */
const LOOK_SECONDS = 60;
/** Over which the share of refusals is taken. */
const RATIO_WINDOW = '10m';

/** In the order of their severity. Pure. */
export function pipelineRules(pipeline: Pipeline): Rule[] {
  const { pipeline: name } = namesOf(pipeline);
  const { lagSeconds: late, silentFor = ALERTS.silentFor, rejectedRatio = ALERTS.rejectedRatio } = pipeline.spec.alerts ?? {};
  const {
    warn = ALERTS.lagSeconds.warn,
    critical = ALERTS.lagSeconds.critical,
    for: lasting = ALERTS.lagSeconds.for,
  } = late ?? {};
  const labels = { pipeline: name };
  const own = `pipeline="${name}"`;
  const waited = `The oldest record of ${name} before its processor or its sink has waited {{ $value | humanizeDuration }}`;
  const silent = durationMs(silentFor) / 1_000;
  return [
    {
      alert: 'MillraceLagCritical',
      expr: `${lagSeconds(own)} > ${critical}`,
      for: lasting,
      severity: 'critical',
      labels,
      summary: `Rows of ${name} come very late`,
      description: `${waited}; ${critical} s are critical.`,
      runbook: 'lag',
    },
    {
      alert: 'MillraceLag',
      expr: `${lagSeconds(own)} > ${warn}`,
      for: lasting,
      severity: 'warning',
      labels,
      summary: `Rows of ${name} come late`,
      description: `${waited}; ${warn} s are a warning.`,
      runbook: 'lag',
    },
    {
      alert: 'MillraceSilent',
      expr: silence(own),
      for: `${Math.max(0, silent - LOOK_SECONDS)}s`,
      severity: 'warning',
      labels,
      summary: `Nothing comes from the source of ${name}`,
      description: `For ${silentFor} no record of ${name} came.`,
      runbook: 'silent',
    },
    {
      alert: 'MillraceRejected',
      expr: `${rejected(own)} > ${rejectedRatio}`,
      for: '1m',
      severity: 'warning',
      labels,
      summary: `Records of ${name} are refused`,
      description: `{{ $value | humanizePercentage }} of the records of ${name} in the last ${RATIO_WINDOW} are in the dead-letter topic; ${percent(rejectedRatio)} are allowed.`,
      runbook: 'dead-letters',
    },
  ];
}

/** Without the digits of a binary fraction. */
function percent(ratio: number): string {
  return `${Number((ratio * 100).toPrecision(6))} %`;
}

/** True while nothing comes, and the source has not come to its end. Of a topic that others fill there is no producer. */
function silence(own: string): string {
  const came = (metric: string): string => `${counted(`${metric}{${own}}`, `${LOOK_SECONDS}s`)} > 0`;
  const any = ['millrace_producer_records_total', 'millrace_processor_records_total'].map(came).join(' or ');
  return `absent(${any}) unless on() max(millrace_producer_completed{${own}}) == 1`;
}

/** Of all records that the processor finished, those that it or the sink refused; nothing where there were none. */
function rejected(own: string): string {
  const refused = [
    `millrace_processor_records_total{${own},result="refused"}`,
    `millrace_sink_rows_total{${own},result="refused"}`,
  ];
  const sum = refused.map((selector) => `(${counted(selector, RATIO_WINDOW)} or vector(0))`).join(' + ');
  return `(${sum}) / (${counted(`millrace_processor_records_total{${own}}`, RATIO_WINDOW)} > 0)`;
}

export function rules(scope: Construct, { pipeline, values }: PipelineContext): void {
  if (!values.prometheus.enabled) return;
  const name = `${pipeline.metadata.name}-rules`;
  const identity = identityOf(pipeline, 'rules');
  const group = ruleGroup(namesOf(pipeline).pipeline, pipelineRules(pipeline));
  const selected = operatorSelects(values);
  if (selected) prometheusRule(scope, 'rules', name, identity, selected, group);
  else configMap(scope, 'rules', name, identity, { 'rules.json': ruleFile(group) }, RULES_LABEL);
}
