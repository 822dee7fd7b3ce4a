/** Which Prometheus there is, and where others find it: our own, or that of an installed prometheus-operator. */
import { selectorOf } from '../constructs/labels.ts';
import type { Peer } from '../constructs/networkPolicy.ts';
import { PROMETHEUS } from './names.ts';
import type { Values } from './values.ts';

export const PROMETHEUS_PORT = 9090;

export const isOwn = ({ prometheus }: Values): boolean => prometheus.enabled && prometheus.operator === undefined;
export const isOperated = ({ prometheus }: Values): boolean => prometheus.enabled && prometheus.operator !== undefined;

/** Its pods; none where there is no Prometheus. */
export function prometheusPeers({ prometheus: { enabled, operator } }: Values): Peer[] {
  if (!enabled) return [];
  if (operator === undefined) return [{ pods: selectorOf(PROMETHEUS) }];
  // As the prometheus-operator labels every pod of a Prometheus.
  return [{ namespace: operator.namespace, pods: { 'app.kubernetes.io/name': 'prometheus' } }];
}

/** The operator makes a Service of this name beside each Prometheus. */
export function prometheusUrl({ namespace, prometheus: { operator } }: Values): string {
  const host = operator === undefined ? `prometheus.${namespace}` : `prometheus-operated.${operator.namespace}`;
  return `http://${host}.svc:${PROMETHEUS_PORT}`;
}
