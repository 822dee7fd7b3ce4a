import fastify from 'fastify';
import type { Registry } from 'prom-client';
import type { WorkerHealth } from './role.ts';

export interface HealthServer {
  port: number;
  close(): Promise<void>;
}

/**
 * Serves `/healthz` (the process answers: restart it when not), `/readyz` (each Pipeline's state; 503 unless all are
 * ready) and `/metrics` (Prometheus text).
 * @param options.host loopback unless asked otherwise; in a pod the probes come from outside
 * @throws Error naming the address when the port is taken
 */
export async function serveHealth(options: {
  host: string;
  /** 0: any free port. */
  port: number;
  metrics: Registry;
  states(): Record<string, WorkerHealth>;
}): Promise<HealthServer> {
  const { host, port, metrics, states } = options;
  const server = fastify({ logger: false, forceCloseConnections: true, requestTimeout: 10_000 });
  server.get('/healthz', async () => ({ status: 'ok' }));
  server.get('/readyz', async (_request, reply) => {
    const pipelines = states();
    const ready = Object.values(pipelines).every((pipeline) => pipeline.ready);
    return reply.code(ready ? 200 : 503).send({ ready, pipelines });
  });
  server.get('/metrics', async (_request, reply) => reply.type(metrics.contentType).send(await metrics.metrics()));
  try {
    await server.listen({ host, port });
  } catch (error) {
    await server.close();
    throw new Error(`cannot serve health and metrics on ${host}:${port}: ${(error as Error).message}`, { cause: error });
  }
  const address = server.server.address();
  if (address === null || typeof address === 'string') throw new Error(`no address after listening on ${host}:${port}`);
  return { port: address.port, close: () => server.close() };
}
