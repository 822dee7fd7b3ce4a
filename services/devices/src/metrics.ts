import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

export interface DevicesMetrics {
  commands: Counter<'outcome'>;
  commandSeconds: Histogram;
  certificates: Counter<'kind'>;
  requests: Counter<'code'>;
  crlEnd: Gauge;
}

export function metricsOf(registry: Registry): DevicesMetrics {
  const registers = [registry];
  return {
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
  };
}
