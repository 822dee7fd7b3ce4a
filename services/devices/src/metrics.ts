import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

export interface DevicesMetrics {
  commands: Counter<'outcome'>;
  commandSeconds: Histogram;
  certificates: Counter<'kind'>;
  requests: Counter<'code'>;
  crlEnd: Gauge;
  brokerCrlEnd: Gauge;
  certificateEnd: Gauge<'certificate'>;
  overConnected: Gauge;
  pushedOff: Counter<'why'>;
}

export function metricsOf(registry: Registry): DevicesMetrics {
  const registers = [registry];
  const metrics = {
    commands: new Counter({
      name: 'millrace_devices_commands_total',
      help: 'Commands to devices by what came of them',
      labelNames: ['outcome'],
      registers,
    }),
    commandSeconds: new Histogram({
      name: 'millrace_devices_command_seconds',
      help: 'Time from a command to its answer',
      buckets: [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60],
      registers,
    }),
    certificates: new Counter({
      name: 'millrace_devices_certificates_total',
      help: 'Certificates that were signed for devices',
      labelNames: ['kind'],
      registers,
    }),
    requests: new Counter({
      name: 'millrace_devices_requests_total',
      help: 'Requests by the status code of their answer',
      labelNames: ['code'],
      registers,
    }),
    crlEnd: new Gauge({
      name: 'millrace_devices_crl_end_timestamp_seconds',
      help: 'When the newest list of revoked certificates ends, since 1970; after it a broker lets no device in',
      registers,
    }),
    brokerCrlEnd: new Gauge({
      name: 'millrace_devices_broker_crl_end_timestamp_seconds',
      help: 'When the list of revoked certificates ends that the broker was seen to have, since 1970',
      registers,
    }),
    certificateEnd: new Gauge({
      name: 'millrace_devices_certificate_end_timestamp_seconds',
      help: 'When a certificate of the platform ends that devices depend on, since 1970: authority (theirs), broker, or commands (of this role)',
      labelNames: ['certificate'],
      registers,
    }),
    overConnected: new Gauge({
      name: 'millrace_devices_over_certificates',
      help: 'Certificates that are revoked or have ended, and with which a device may be connected still',
      registers,
    }),
    pushedOff: new Counter({
      name: 'millrace_devices_pushed_off_total',
      help: 'Certificates by why their devices were pushed off the broker: revoked, or ended',
      labelNames: ['why'],
      registers,
    }),
  } satisfies DevicesMetrics;
  // Nothing is known yet, which is not 0.
  for (const gauge of [metrics.crlEnd, metrics.brokerCrlEnd, metrics.overConnected]) gauge.set(Number.NaN);
  return metrics;
}
