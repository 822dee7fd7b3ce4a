/**
 * The whole platform from its values. A part is one file and one line in the table; the operator, lag-exporter and console
 * get theirs here.
 */
import type { Construct } from 'constructs';
import { computeChecksums } from '../constructs/checksum.ts';
import { draft, type Manifest } from '../constructs/manifest.ts';
import { crdObjects } from '../crd/crd.ts';
import { alertmanager } from './alertmanager.ts';
import { bootstrap } from './bootstrap.ts';
import { cloudNativePg } from './cloudNativePg.ts';
import { database } from './database.ts';
import { isOwnDatabase } from './databasePeer.ts';
import { devices } from './devices.ts';
import { grafana } from './grafana.ts';
import { kafka } from './kafka.ts';
import { isOwnKafka } from './kafkaPeer.ts';
import { mosquitto } from './mosquitto.ts';
import { prometheus } from './prometheus.ts';
import { prometheusOperator } from './prometheusOperator.ts';
import { isOperated, isOwn } from './prometheusPeer.ts';
import { strimzi } from './strimzi.ts';
import type { Values } from './values.ts';

export interface Part {
  /** Reads structural values only. */
  wanted(values: Values): boolean;
  /** The function's name is that of the chart's template. */
  add(scope: Construct, values: Values): void;
}

export const PARTS: readonly Part[] = [
  {
    wanted: (values) => isOwnKafka(values) || !values.database.external || values.grafana.enabled || values.mqtt.enabled,
    add: bootstrap,
  },
  { wanted: isOwnKafka, add: kafka },
  { wanted: ({ kafka }) => kafka.strimzi !== undefined, add: strimzi },
  { wanted: isOwnDatabase, add: database },
  { wanted: ({ database }) => database.cloudnativepg !== undefined, add: cloudNativePg },
  { wanted: ({ mqtt }) => mqtt.enabled && !mqtt.external, add: mosquitto },
  { wanted: ({ mqtt }) => mqtt.enabled, add: devices },
  { wanted: isOwn, add: prometheus },
  { wanted: isOperated, add: prometheusOperator },
  // An operated Prometheus has one of its own.
  { wanted: (values) => values.alertmanager.enabled && !isOperated(values), add: alertmanager },
  { wanted: ({ grafana }) => grafana.enabled, add: grafana },
];

/** Every object of the platform but its namespace, in the order in which they are applied. Pure. */
export function platformObjects(values: Values): Manifest[] {
  return PARTS.flatMap((part) => computeChecksums(draftPart(part, values)));
}

/** The objects of one part, with marks where checksums go; none where the part is not wanted. Pure. */
export function draftPart({ wanted, add }: Part, values: Values): Manifest[] {
  return wanted(values) ? draft(values.namespace, (chart) => add(chart, values)) : [];
}

/** What belongs to the cluster: the namespace, and the definition of the resource Pipeline. */
export function clusterObjects(values: Values): Manifest[] {
  return [namespaceObject(values), ...crdObjects(values)];
}

/** The namespace, in which the API server refuses pods that are not `restricted`. */
export function namespaceObject({ namespace }: Values): Manifest {
  const level = (mode: string) => [`pod-security.kubernetes.io/${mode}`, 'restricted'];
  return {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: {
      name: namespace,
      labels: { 'app.kubernetes.io/part-of': 'millrace', ...Object.fromEntries(['enforce', 'warn', 'audit'].map(level)) },
    },
  };
}
