/** Prometheus, asked to read configuration and rules again: https://prometheus.io/docs/prometheus/latest/management_api/ */
import { ask } from './http.ts';
import type { Reload } from './takeUp.ts';

/** The answer where what it reads is wrong; it goes on with what it has. */
const REFUSED = 500;

export function reloadPrometheus(base: URL): Reload {
  return async () => {
    const { status, body } = await ask(new URL('/-/reload', base), { method: 'POST' });
    if (status === 200) return null;
    if (status === REFUSED) return body.trim();
    throw new Error(`Prometheus answers ${status} to /-/reload: ${body.trim()}`);
  };
}
