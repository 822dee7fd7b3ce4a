import { Counter, type Registry } from 'prom-client';

const byRegistry = new WeakMap<Registry, Counter<'pipeline' | 'code'>>();

/** Requests by the status code of their answer. */
export function requestsOf(registry: Registry): Counter<'pipeline' | 'code'> {
  let requests = byRegistry.get(registry);
  if (!requests) {
    const name = 'millrace_producer_http_requests_total';
    const help = 'Requests of a source of HTTP by the status code of their answer';
    requests = new Counter({ name, help, labelNames: ['pipeline', 'code'], registers: [registry] });
    byRegistry.set(registry, requests);
  }
  return requests;
}
