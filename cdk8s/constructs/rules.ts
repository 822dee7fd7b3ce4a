/** Alerts: one form for our own Prometheus, which reads files, and for the prometheus-operator, which reads PrometheusRules. */
import { ApiObject } from 'cdk8s';
import type { Construct } from 'constructs';
import { type Identity, labelsOf } from './labels.ts';

/** By time, never by message counts; each says what is the matter with numbers, and which page tells what to do. */
export interface Rule {
  alert: string;
  expr: string;
  /** How long it must be so. */
  for: string;
  severity: 'warning' | 'critical';
  /** Beside the severity, and those that the expression leaves. */
  labels?: Readonly<Record<string, string>>;
  summary: string;
  description: string;
  /** File in docs/runbooks. */
  runbook: string;
}

/** As Prometheus reads it. @param name of the group, unique in a Prometheus */
export function ruleGroup(name: string, rules: readonly Rule[]): object {
  return {
    name,
    rules: rules.map(({ alert, expr, for: duration, severity, labels, summary, description, runbook }) => ({
      alert,
      expr,
      for: duration,
      labels: { ...labels, severity },
      annotations: { summary, description, runbook: `docs/runbooks/${runbook}.md` },
    })),
  };
}

/** A rule file; JSON, which is YAML. */
export function ruleFile(group: object): string {
  return `${JSON.stringify({ groups: [group] }, null, 2)}\n`;
}

/** For the prometheus-operator. @param selected the labels by which its Prometheus chooses rules */
export function prometheusRule(
  scope: Construct,
  id: string,
  name: string,
  identity: Identity,
  selected: Readonly<Record<string, string>>,
  group: object,
): ApiObject {
  return new ApiObject(scope, id, {
    apiVersion: 'monitoring.coreos.com/v1',
    kind: 'PrometheusRule',
    metadata: { name, labels: { ...labelsOf(identity), ...selected } },
    spec: { groups: [group] },
  });
}
