/**
 * Where a prometheus-operator is installed, such as by kube-prometheus-stack: what its Prometheus reads and alerts about, as
 * its own resources. Fields: https://prometheus-operator.dev/docs/api-reference/api/.
 */
import { ApiObject } from 'cdk8s';
import type { Construct } from 'constructs';
import { labelsOf } from '../constructs/labels.ts';
import { prometheusRule, ruleGroup } from '../constructs/rules.ts';
import { PROMETHEUS } from './names.ts';
import { SCRAPED } from './prometheus.ts';
import { RULES } from './rules.ts';
import type { Values } from './values.ts';

const NAME = 'millrace';

/** By which its Prometheus chooses what it takes; null: there is none. */
export function operatorSelects({ prometheus: { operator } }: Values): Record<string, string> | null {
  return operator === undefined ? null : { release: operator.release };
}

export function prometheusOperator(scope: Construct, values: Values): void {
  const selected = operatorSelects(values) ?? {};
  new ApiObject(scope, 'pod-monitor', {
    apiVersion: 'monitoring.coreos.com/v1',
    kind: 'PodMonitor',
    metadata: { name: NAME, labels: { ...labelsOf(PROMETHEUS), ...selected } },
    spec: {
      selector: { matchLabels: SCRAPED },
      // The job of every target, as in the rules: pods carry the label with the value millrace.
      jobLabel: 'app.kubernetes.io/part-of',
      podMetricsEndpoints: [
        {
          port: 'metrics',
          interval: '15s',
          relabelings: [{ sourceLabels: ['__meta_kubernetes_pod_label_app_kubernetes_io_component'], targetLabel: 'component' }],
        },
      ],
    },
  });
  prometheusRule(scope, 'rules', NAME, PROMETHEUS, selected, ruleGroup('millrace', RULES));
}
