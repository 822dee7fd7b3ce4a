import type { Pipeline } from './pipeline.ts';

/** Whether it means the platform's own MQTT broker, since it names none (docs/decisions/0039). */
export function meansOwnBroker({ spec: { source } }: Pipeline): boolean {
  return source.mqtt !== undefined && source.mqtt.url === undefined;
}
