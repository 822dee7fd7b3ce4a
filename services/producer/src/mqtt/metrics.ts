import { Counter, Gauge, type Registry } from 'prom-client';

export interface MqttMetrics {
  connected: Gauge<'pipeline'>;
  connections: Counter<'pipeline'>;
  /** Flagged as such by the broker: it sent them before, perhaps to a producer that is gone. */
  redelivered: Counter<'pipeline'>;
  sessionsLost: Counter<'pipeline'>;
}

const byRegistry = new WeakMap<Registry, MqttMetrics>();

export function mqttMetricsOf(registry: Registry): MqttMetrics {
  let metrics = byRegistry.get(registry);
  if (!metrics) {
    const common = { registers: [registry], labelNames: ['pipeline'] as const };
    const prefix = 'millrace_producer_mqtt';
    metrics = {
      connected: new Gauge({
        ...common,
        name: `${prefix}_connected`,
        help: '1 while it is connected to the broker and subscribed',
      }),
      connections: new Counter({
        ...common,
        name: `${prefix}_connections_total`,
        help: 'Connections to the broker that were made',
      }),
      redelivered: new Counter({
        ...common,
        name: `${prefix}_redelivered_total`,
        help: 'Messages that the broker had sent before and had no acknowledgement of',
      }),
      sessionsLost: new Counter({
        ...common,
        name: `${prefix}_sessions_lost_total`,
        help: 'Times that the broker had forgotten the session: what was published meanwhile is lost',
      }),
    };
    byRegistry.set(registry, metrics);
  }
  return metrics;
}
