/**
 * Messages of an MQTT broker. One of QoS 1 is acknowledged only after Kafka acknowledged its record; what is not, the broker sends
 * again (DESIGN 1.2 rule 7).
 */
import { hostname } from 'node:os';
import { DEFAULT_MQTT_PORT, DEFAULT_MQTTS_PORT, MOST_PRODUCERS, maxRecordBytesOf } from '@millrace/core/spec/defaults.ts';
import { namesOf } from '@millrace/core/spec/names.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import type { Mqtt } from '@millrace/core/spec/source.ts';
import { Intake } from '../intake/intake.ts';
import type { ConnectionOptions } from '../mqtt/connection.ts';
import { readCredentials } from '../mqtt/credentials.ts';
import { InOrder } from '../mqtt/inOrder.ts';
import { type MqttMessage, recordMaker } from '../mqtt/message.ts';
import { mqttMetricsOf } from '../mqtt/metrics.ts';
import { type RetiredPace, RetiredSessions } from '../mqtt/retired.ts';
import { Subscriber } from '../mqtt/subscriber.ts';
import type { Source } from './source.ts';

/** Messages that the broker sends before the first of them is acknowledged. */
const RECEIVE_MAXIMUM = 1_000;
/** Short: a broker that waits for acknowledgements (v3.1.1: Mosquitto sends 20 messages before) sends the next ones after it. */
const LINGER_MS = 5;
/** Pods that a StatefulSet has less of have a minute to end: before that, taking their sessions would make them send again. */
const RETIRED_MS: RetiredPace = { first: 90_000, again: 60_000, rest: 3_600_000, quiet: 2_000 };
const nobody = (): void => undefined;

/** @param pace of looking for sessions of producers that are no more */
export const mqttSource = (pace: RetiredPace): Source => ({
  async start(pipeline, { kafka, log, metrics, http, instance, ordinal }) {
    const { mqtt: given } = pipeline.spec.source;
    if (!given) throw new Error('the Pipeline has no source.mqtt');
    const spec = { ...given, url: brokerOf(given) };
    const { pipeline: name, raw } = namesOf(pipeline);
    const secrets = http?.secrets ?? null;
    readCredentials(spec, secrets); // what is wrong with them is said now, and not with the first connection
    const makeRecord = recordMaker(pipeline);
    const mqttMetrics = mqttMetricsOf(metrics);
    const clientId = clientIdOf(name, spec, instance ?? ordinal ?? hostname());
    const filters = spec.topics.map((filter) => (spec.shared === undefined ? filter : `$share/${spec.shared}/${filter}`));

    const inOrder = new InOrder();
    const take = (message: MqttMessage, acknowledged: () => void): void => {
      if (message.dup) mqttMetrics.redelivered.inc({ pipeline: name });
      intake.take([makeRecord(message, Date.now())], { acknowledged, rejected: null });
      if (intake.full) pause();
    };
    const onMessage: ConnectionOptions['onMessage'] = (message, acknowledge) =>
      take(message, acknowledge === null ? nobody : inOrder.next(acknowledge));
    const connection = () => ({
      ...addressOf(spec.url),
      ...readCredentials(spec, secrets),
      version: spec.version ?? 'v5',
      receiveMaximum: RECEIVE_MAXIMUM,
      maxBytes: maxRecordBytesOf(pipeline),
    });
    const intake = new Intake({
      context: { kafka, log, metrics },
      topic: raw,
      labels: { pipeline: name, source: 'mqtt' },
      lingerMs: LINGER_MS,
      room: () => (isDraining ? undefined : resume()),
    });
    const subscriber = new Subscriber({
      pipeline: name,
      filters,
      qos: spec.qos === 0 ? 0 : 1,
      log,
      metrics: mqttMetrics,
      connection: () => ({ ...connection(), clientId, onMessage }),
    });
    // Only where pods are numbered is it known which of them are no more.
    const retired =
      spec.shared !== undefined && ordinal === 0
        ? new RetiredSessions({
            pace,
            clientIds: ordinalsAbove(pipeline).map((one) => clientIdOf(name, spec, one)),
            filters,
            log,
            connection,
            take,
          })
        : null;
    const pause = (): void => {
      subscriber.pause();
      retired?.pause();
    };
    const resume = (): void => {
      subscriber.resume();
      retired?.resume();
    };
    let isDraining = false;
    if (intake.full) pause();
    log.info({ url: spec.url, clientId }, 'taking messages');
    return {
      health: () => {
        const own = intake.health();
        const why = subscriber.away;
        if (!own.ready || why === null) return own;
        return { ready: false, phase: 'paused', state: `waiting for the MQTT broker: ${why}` };
      },
      failed: new Promise<Error>(() => undefined), // it waits for the broker and Kafka, and goes on by itself
      stop: async () => {
        isDraining = true;
        pause();
        await intake.drain();
        await Promise.all([subscriber.stop(), retired?.stop()]);
        await intake.stop();
      },
    };
  },
});

export const mqtt = mqttSource(RETIRED_MS);

/** Of pods that there may have been, and are no more. */
function ordinalsAbove({ spec: { scale } }: Pipeline): number[] {
  const { producers = 1 } = scale ?? {};
  return Array.from({ length: MOST_PRODUCERS - producers }, (_, index) => producers + index);
}

/** @throws Error where it is the platform's own broker, and nobody has said which that is */
function brokerOf({ url }: Mqtt): string {
  if (url === undefined)
    throw new Error('spec.source.mqtt.url is left out, and no broker of the platform is given (--mqtt-broker)');
  return url;
}

/** The same over restarts, since the broker keeps the session under it; of several that share a subscription each has its own. */
function clientIdOf(name: string, { clientId, shared }: Mqtt, instance: string | number): string {
  const own = clientId ?? `millrace.${name.replace('/', '.')}`;
  return shared === undefined ? own : `${own}.${instance}`;
}

function addressOf(text: string): { host: string; port: number } {
  const { protocol, hostname: host, port } = new URL(text);
  const usual = protocol === 'mqtts:' ? DEFAULT_MQTTS_PORT : DEFAULT_MQTT_PORT;
  return { host: host.replace(/^\[|\]$/g, ''), port: port === '' ? usual : Number(port) };
}
