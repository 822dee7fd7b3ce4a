/**
 * Certificates and commands over HTTP.
 *
 * Invariants: who asks is known before a body is read; bodies, connections and rates are bounded, and so is all that waits; no message and
 * no log holds a token or a key.
 */
import { isUtf8 } from 'node:buffer';
import { rateLimiter } from '@millrace/core/http/rate.ts';
import { HttpRefusal } from '@millrace/core/http/refusal.ts';
import type { Bearer } from '@millrace/core/http/tokens.ts';
import type { Logger } from '@millrace/core/log.ts';
import type { Crl } from '@millrace/identity/crl.ts';
import type { Identity } from '@millrace/identity/identity.ts';
import { IdentityRefused } from '@millrace/identity/refused.ts';
import { publicKeyOf } from '@millrace/identity/request.ts';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { type Command, commandOf, type Result } from './command.ts';
import type { DevicesMetrics } from './metrics.ts';
import { openApi, page } from './openapi.ts';
import { NotSent } from './send.ts';

const MOST_BODY_BYTES = 98_304;
const MOST_CONNECTIONS = 512;
/** Commands that wait for their answers. */
const MOST_WAITING = 500;
const REQUEST_MS = 30_000;
const HEADERS_MS = 10_000;
/** Longer than a command may take. */
const SILENT_MS = 130_000;
const CLOSE_MS = 2_000;
const DEFAULT_DAYS = 365;
/** Per second: of an address, whoever that is, and of a token. */
const RATES = { address: 100, provisioning: 10, commands: 50 };

export interface DevicesServerOptions {
  host: string;
  /** 0: any free one. */
  port: number;
  provisioning: Bearer;
  commands: Bearer;
  /** @param by recorded with what it does */
  identity(by: string): Pick<Identity, 'issue' | 'renew'>;
  /** PEM of the authority of devices. */
  authority: string;
  send(command: Command, by: string): Promise<Result>;
  crl(): Crl | null;
  metrics: DevicesMetrics;
  /** For tests to lower. */
  rates?: typeof RATES;
  log: Logger;
}

export interface DevicesServer {
  port: number;
  /** Answers what is under way, then lets go. */
  close(): Promise<void>;
}

/** @throws Error naming the address when the port is taken */
export async function serveHttp(options: DevicesServerOptions): Promise<DevicesServer> {
  const { host, port } = options;
  const server = fastify({
    logger: false,
    bodyLimit: MOST_BODY_BYTES,
    forceCloseConnections: 'idle',
    connectionTimeout: SILENT_MS,
    requestTimeout: REQUEST_MS,
    http: { headersTimeout: HEADERS_MS, connectionsCheckingInterval: 1_000, maxHeaderSize: 16_384 },
  });
  server.server.maxConnections = MOST_CONNECTIONS;
  routes(server, options);
  try {
    await server.listen({ host, port });
  } catch (error) {
    await server.close();
    throw new Error(`cannot take requests on ${host}:${port}: ${(error as Error).message}; give another port by --http-port`, {
      cause: error,
    });
  }
  const address = server.server.address();
  if (address === null || typeof address === 'string') throw new Error(`no address after listening on ${host}:${port}`);
  return {
    port: address.port,
    close: async () => {
      const late = setTimeout(() => server.server.closeAllConnections(), SILENT_MS - CLOSE_MS);
      await server.close();
      clearTimeout(late);
    },
  };
}

type ForDevice = { Params: { device: string } };

function routes(
  server: FastifyInstance,
  { provisioning, commands, identity, authority, send, crl, metrics, rates = RATES, log }: DevicesServerOptions,
): void {
  const byAddress = rateLimiter(rates.address);
  server.decorateRequest('by', '');
  server.addHook('onRequest', async ({ ip }) => slow(byAddress(ip, performance.now())));
  server.addHook('onResponse', async (_request, { statusCode }) => metrics.requests.inc({ code: String(statusCode) }));
  server.setErrorHandler((error, _request, reply) => refuse(error, reply, log));
  server.setNotFoundHandler((_request, reply) =>
    refuse(new HttpRefusal(404, 'there is no such path; GET / lists those that are'), reply, log),
  );
  server.get('/', async (_request, reply) =>
    reply
      .type('text/html; charset=utf-8')
      .header('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'")
      .send(page()),
  );
  server.get('/openapi.json', async () => openApi());
  server.get('/crl.pem', async (_request, reply) => {
    const newest = crl();
    if (newest === null)
      throw new HttpRefusal(503, 'the list of revoked certificates is not known yet; ask again', { retryAfterSeconds: 5 });
    return reply.type('application/x-pem-file').send(newest.pem);
  });

  server.post<ForDevice>(
    '/devices/:device/certificates',
    { onRequest: letIn(provisioning, rates.provisioning, log) },
    async (request, reply) => {
      const { device } = request.params;
      const { csr, days, renew } = wishOf(request.body);
      const publicKey = await publicKeyOf(csr, device);
      const { issue, renew: renewed } = identity(`token ${byOf(request)}`);
      const signed = renew
        ? await renewed({ device, publicKey, days, supersede: false })
        : await issue({ device, publicKey, days });
      metrics.certificates.inc({ kind: renew ? 'renewed' : 'issued' });
      log.info({ device, serial: signed.serial, by: byOf(request), renew }, 'signed a certificate');
      const { serial, notAfter, certificate } = signed;
      return reply.code(201).send({ device, serial, notAfter, certificate, authority });
    },
  );

  let waiting = 0;
  server.post<ForDevice>(
    '/devices/:device/commands',
    { onRequest: letIn(commands, rates.commands, log) },
    async (request, reply) => {
      const command = commandOf(request.params.device, request.body);
      if (waiting >= MOST_WAITING)
        throw new HttpRefusal(429, `${MOST_WAITING} commands wait for their answers; send it again`, { retryAfterSeconds: 1 });
      waiting += 1;
      const from = performance.now();
      try {
        const result = await send(command, `token ${byOf(request)}`);
        metrics.commands.inc({ outcome: result.outcome });
        if (result.outcome === 'answered') metrics.commandSeconds.observe((performance.now() - from) / 1_000);
        log.info(
          { device: command.device, topic: command.topic, id: result.id, outcome: result.outcome, by: byOf(request) },
          'sent a command',
        );
        return answer(reply, command, result);
      } finally {
        waiting -= 1;
      }
    },
  );
}

/** Checks who asks before the body is read. */
function letIn(bearer: Bearer, perSecond: number, log: Logger) {
  const limit = rateLimiter(perSecond);
  return async (request: FastifyRequest): Promise<void> => {
    let by: string;
    try {
      by = bearer(request.headers.authorization);
    } catch (error) {
      if (error instanceof HttpRefusal) throw error;
      log.error({ err: error }, 'nobody can be let in'); // files that cannot be read are nobody's fault who asks
      throw new HttpRefusal(503, 'nobody can be let in at the moment; send it again', { retryAfterSeconds: 5 });
    }
    slow(limit(by, performance.now()));
    request.setDecorator('by', by);
  };
}

function byOf(request: FastifyRequest): string {
  return request.getDecorator<string>('by');
}

function slow(waitSeconds: number): void {
  if (waitSeconds > 0) throw new HttpRefusal(429, 'too many requests; send it again', { retryAfterSeconds: waitSeconds });
}

function wishOf(body: unknown): { csr: string; days: number; renew: boolean } {
  const { csr, days = DEFAULT_DAYS, renew = false } = (body ?? {}) as Record<string, unknown>;
  if (typeof csr !== 'string') throw new IdentityRefused('csr', 'csr is missing; needed is a certificate request in PEM');
  if (typeof days !== 'number') throw new IdentityRefused('days', 'days is no number');
  if (typeof renew !== 'boolean') throw new IdentityRefused('renew', 'renew is neither true nor false');
  return { csr, days, renew };
}

function answer(
  reply: FastifyReply,
  { device, topic, timeoutMs }: Command,
  { id, outcome, answer: given, recorded }: Result,
): FastifyReply {
  if (given !== null) {
    const { payload, matchedBy } = given;
    const text = isUtf8(payload) ? { answer: payload.toString() } : { answerBase64: payload.toString('base64') };
    return reply.send({ id, outcome, ...text, matchedBy, recorded });
  }
  const [code, error] =
    outcome === 'undelivered'
      ? [404, `nobody listens at cmnd/${device}/${topic}: the device is not connected, or does not know this topic`]
      : outcome === 'unanswered'
        ? [
            504,
            `${device} did not answer within ${timeoutMs / 1_000} s at stat/${device}/${topic}; it does not get the command any more`,
          ]
        : [502, `the broker was lost on the way: whether ${device} has the command nobody knows`];
  return reply.code(code).send({ error, id, outcome, recorded });
}

function refuse(error: unknown, reply: FastifyReply, log: Logger): FastifyReply {
  const { code, message, field, retryAfterSeconds } = refusalOf(error, log);
  if (code === 401) reply.header('www-authenticate', 'Bearer');
  if (retryAfterSeconds !== undefined) reply.header('retry-after', String(retryAfterSeconds));
  return reply.code(code).send({ error: message, ...(field === undefined ? {} : { field }) });
}

function refusalOf(error: unknown, log: Logger): HttpRefusal {
  if (error instanceof HttpRefusal) return error;
  if (error instanceof IdentityRefused)
    return new HttpRefusal(error.isConflict ? 409 : 400, error.message, { field: error.field });
  if (error instanceof NotSent)
    return new HttpRefusal(error.why === 'busy' ? 409 : 503, error.message, { retryAfterSeconds: error.why === 'busy' ? 1 : 5 });
  // Of fastify itself: a body that is no JSON, too large, of another type.
  const { statusCode, message } = error as { statusCode?: number; message: string };
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) return new HttpRefusal(statusCode, message);
  log.error({ err: error }, 'a request could not be served');
  return new HttpRefusal(503, 'not done: something it needs is not there; its log says more; send it again', {
    retryAfterSeconds: 5,
  });
}
