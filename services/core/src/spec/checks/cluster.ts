/** Scaling and alerts: numbers that contradict each other. The namespace that Millrace's own tables are in. */
import { ALERTS, partitionsOf } from '../defaults.ts';
import type { Pipeline } from '../pipeline.ts';
import type { Finding, Path } from '../problem.ts';
import { SOURCE_KINDS } from '../source.ts';

/** Schema of positions, ledger and the like. */
const OWN_SCHEMA = 'millrace';

export function checkCluster(pipeline: Pipeline): Finding[] {
  const { scale = {}, alerts } = pipeline.spec;
  const findings: Finding[] = [];
  const partitions = partitionsOf(pipeline);
  for (const name of ['min', 'max', 'replicas'] as const) {
    const value = scale[name];
    if (value === undefined || value <= partitions) continue;
    const message = `${name} is above the ${partitions} partitions; a replica without a partition does nothing`;
    findings.push({ path: ['spec', 'scale', name], message, allowed: `at most ${partitions}, or more topics.partitions` });
  }
  if (scale.min !== undefined && scale.max !== undefined && scale.min > scale.max)
    findings.push({ path: ['spec', 'scale', 'min'], message: `min is above max ${scale.max}`, allowed: `at most ${scale.max}` });
  findings.push(...checkProducers(pipeline));
  const { warn = ALERTS.lagSeconds.warn, critical = ALERTS.lagSeconds.critical } = alerts?.lagSeconds ?? {};
  if (warn >= critical) {
    const named = alerts?.lagSeconds?.warn === undefined ? 'critical' : 'warn';
    const [message, allowed] =
      named === 'warn'
        ? [`warn is not below critical ${critical}`, `less than ${critical}`]
        : [`critical is not above warn ${warn}`, `more than ${warn}`];
    findings.push({ path: ['spec', 'alerts', 'lagSeconds', named], message, allowed });
  }
  if (pipeline.metadata.namespace === OWN_SCHEMA) {
    const message = `the schema ${OWN_SCHEMA} holds Millrace's own tables`;
    findings.push({ path: ['metadata', 'namespace'], message, allowed: 'another namespace' });
  }
  return findings;
}

/** Several producers of one file would each send all of it, and those of a plain subscription get every message each. */
function checkProducers({ spec: { source, scale } }: Pipeline): Finding[] {
  const { producers = 1 } = scale ?? {};
  if (producers === 1 || source.http || source.mqtt?.shared !== undefined) return [];
  const path: Path = ['spec', 'scale', 'producers'];
  if (source.mqtt) {
    const message = 'producers of source.mqtt take messages in turns only by a shared subscription';
    return [{ path, message, allowed: '1, or a name of the subscription in source.mqtt.shared, such as shared: millrace' }];
  }
  const kind = SOURCE_KINDS.find((one) => source[one] !== undefined);
  const message = `a source of ${kind} is sent by one producer: a second one would send all of it again`;
  return [{ path, message, allowed: '1; more with source.http, or source.mqtt with shared' }];
}
