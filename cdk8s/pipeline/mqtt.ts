/** What a Pipeline with a source of MQTT needs beside the others (docs/decisions/0034): its Secrets as files, and the way to its broker. */
import { DEFAULT_MQTT_PORT, DEFAULT_MQTTS_PORT } from '@millrace/core/spec/defaults.ts';
import { meansOwnBroker } from '@millrace/core/spec/ownBroker.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import type { Mqtt } from '@millrace/core/spec/source.ts';
import { selectorOf } from '../constructs/labels.ts';
import { secretFilesMount } from '../constructs/mounts.ts';
import type { EnvSource, Mount } from '../constructs/pod.ts';
import { MQTT_CLIENT } from '../platform/mosquitto.ts';
import { hostOf, MOSQUITTO, mqttOf, mqttSecret } from '../platform/names.ts';
import type { Values } from '../platform/values.ts';
import type { Input } from './input.ts';
import { RenderRefused } from './refused.ts';

const SECRETS = '/etc/millrace/secrets';

export interface Bridging extends Input {
  /** Of the pod: lets it through the NetworkPolicy of the platform's broker. */
  labels: Record<string, string>;
  /** Of a shared subscription: what tells one producer from the others; null: there is one. */
  inTurns: Record<string, EnvSource> | null;
}

/**
 * A source of MQTT that names no broker means the platform's, whose address and Secret are written down here: so roles know no other
 * way to a broker than the specification's. Another Pipeline stays as it is.
 * @throws RenderRefused where the platform has none
 */
export function withBroker(pipeline: Pipeline, values: Values): Pipeline {
  const { mqtt } = pipeline.spec.source;
  if (!mqtt || !meansOwnBroker(pipeline)) return pipeline;
  if (!values.mqtt.enabled)
    throw new RenderRefused(
      `${pipeline.metadata.name}: spec.source.mqtt.url is left out, which means the platform's own broker, and the value mqtt.enabled is false. Set mqtt.enabled: true (with mqtt.external.url where it is somebody else's), or give the url of a broker, such as mqtts://host:8883`,
    );
  const { url: _, ...others } = mqtt;
  const own = { url: mqttOf(values), ...others, tls: { secretRef: { name: mqttSecret('producer') } } };
  return { ...pipeline, spec: { ...pipeline.spec, source: { mqtt: own } } };
}

/** Of the producer; null where its source is another, or its broker not known yet (`withBroker`). @throws RenderRefused for a broker that no pod has */
export function bridgingOf({ metadata, spec }: Pipeline, values: Values): Bridging | null {
  const { mqtt } = spec.source;
  if (mqtt?.url === undefined) return null;
  const { hostname, port, protocol } = new URL(mqtt.url);
  if (/^(localhost|127\..*|\[::1\])$/.test(hostname))
    throw new RenderRefused(
      `${metadata.name}: spec.source.mqtt.url is ${JSON.stringify(mqtt.url)}, and a pod has no broker of its own. In a cluster give the address of one${values.mqtt.enabled ? `, such as ${mqttOf(values)}` : ''}`,
    );
  const mounts = mountsOf(mqtt);
  const own = values.mqtt.enabled && !values.mqtt.external && isHost(hostname, hostOf('mqtt', values));
  const usual = protocol === 'mqtts:' ? DEFAULT_MQTTS_PORT : DEFAULT_MQTT_PORT;
  return {
    args: mounts.length > 0 ? ['--secrets', SECRETS] : [],
    inTurns: mqtt.shared === undefined ? null : { MILLRACE_POD: { field: 'metadata.name' } },
    mounts,
    egress: [{ peers: own ? [{ pods: selectorOf(MOSQUITTO) }] : ['anywhere'], ports: [Number(port) || usual] }],
    labels: own ? MQTT_CLIENT : {},
  };
}

/** Each Secret once, with those of its keys that are read. */
function mountsOf({ tls, auth }: Mqtt): Mount[] {
  const wanted = new Map<string, { needed: string[]; optional: string[] }>();
  const add = (name: string | undefined, needed: string[], optional: string[]): void => {
    if (name === undefined) return;
    const before = wanted.get(name) ?? { needed: [], optional: [] };
    wanted.set(name, { needed: [...before.needed, ...needed], optional: [...before.optional, ...optional] });
  };
  add(tls?.secretRef.name, ['ca.crt'], ['tls.crt', 'tls.key']);
  add(auth?.secretRef.name, ['username', 'password'], []);
  return [...wanted].map(([name, keys], index) => secretFilesMount(`mqtt-secret-${index}`, `${SECRETS}/${name}`, name, keys));
}

/** `mqtt.feeds.svc`, also without or with more of its domain. */
function isHost(found: string, host: string): boolean {
  return (
    found === host || found === `${host}.cluster.local` || found === host.replace(/\.svc$/, '') || found === host.split('.')[0]
  );
}
