/**
 * One HTTP server for all Pipelines of a process, on one port: a request goes by its path to the Pipeline that has it.
 *
 * Invariants:
 * - A path belongs to one Pipeline; a second claimant is refused by name.
 * - The server is there while any Pipeline has a path, and ends with the last one.
 * - Nobody holds a connection for nothing: headers, a whole request and the time between two of them are limited, and so is
 *   the number of connections. A connection whose request was refused before it was read is closed soon after the answer.
 */

import { HttpRefusal } from '@millrace/core/http/refusal.ts';
import type { Logger } from '@millrace/core/log.ts';
import type { HttpOptions } from '@millrace/core/role/role.ts';
import fastify, { type FastifyReply, type FastifyRequest } from 'fastify';
import { type Operation, openApiOf, pageOf } from './openapi.ts';

const HEADERS_MS = 10_000;
/** From the first byte of a request to its last. */
const REQUEST_MS = 30_000;
/** A connection without a byte in either direction: longer than an answer may take. */
const SILENT_MS = 45_000;
const KEEP_ALIVE_MS = 65_000;
const CHECK_MS = 1_000;
const MOST_CONNECTIONS = 4_096;
/** A client that still sends when it is refused gets so long to read why. */
const LINGER_MS = 1_000;
const CLOSE_MS = 2_000;

/** What serves a path. @throws HttpRefusal, told to the client */
export interface Route {
  pipeline: string;
  operation: Operation;
  post(request: FastifyRequest): Promise<{ records: number }>;
  /** Of every answer. */
  answered(code: number): void;
  log: Logger;
}

interface Listener {
  routes: Map<string, Route>;
  port: number;
  close(): Promise<void>;
}

const listeners = new Map<string, Promise<Listener>>();

export interface Claim {
  port: number;
  release(): Promise<void>;
}

/**
 * Serves these paths until the claim is released.
 * @throws Error naming the path that another Pipeline has, or the port that cannot be had
 */
export async function claimPaths(
  paths: readonly string[],
  route: Route,
  { host, port }: Omit<HttpOptions, 'secrets'>,
): Promise<Claim> {
  const address = `${host}:${port}`;
  let listening = listeners.get(address);
  if (!listening) {
    listening = listen(host, port);
    listeners.set(address, listening);
  }
  let listener: Listener;
  try {
    listener = await listening;
  } catch (error) {
    if (listeners.get(address) === listening) listeners.delete(address);
    throw error;
  }
  const { routes } = listener;
  const release = async (): Promise<void> => {
    for (const path of paths) if (routes.get(path) === route) routes.delete(path);
    if (routes.size > 0 || listeners.get(address) !== listening) return;
    listeners.delete(address);
    await listener.close();
  };
  const taken = paths.find((path) => routes.has(path));
  if (taken !== undefined) {
    const { pipeline } = routes.get(taken) as Route;
    await release();
    throw new Error(`the path ${taken} belongs to the Pipeline ${pipeline}; give this one another by spec.source.http.path`);
  }
  for (const path of paths) routes.set(path, route);
  return { port: listener.port, release };
}

async function listen(host: string, port: number): Promise<Listener> {
  const routes = new Map<string, Route>();
  const server = fastify({
    logger: false,
    forceCloseConnections: 'idle',
    connectionTimeout: SILENT_MS,
    requestTimeout: REQUEST_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    http: { headersTimeout: HEADERS_MS, connectionsCheckingInterval: CHECK_MS, maxHeaderSize: 16_384 },
    routerOptions: { ignoreTrailingSlash: true },
  });
  server.server.maxConnections = MOST_CONNECTIONS;
  // A body is read only once it is known who sends it, and by us: bounded, and unpacked.
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', (_request, _payload, done) => done(null));
  const operations = (): Map<string, Operation> => new Map([...routes].map(([path, { operation }]) => [path, operation]));
  server.get('/', async (_request, reply) =>
    reply
      .type('text/html; charset=utf-8')
      .header('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'")
      .send(pageOf(operations())),
  );
  server.get('/openapi.json', async () => openApiOf(operations()));
  server.all('/*', async (request, reply) => {
    let path = request.url;
    let route = routes.get(path);
    if (!route) {
      path = (URL.parse(path, 'http://host')?.pathname ?? path).replace(/(?<=.)\/$/, '');
      route = routes.get(path);
    }
    try {
      if (!route) throw new HttpRefusal(404, `there is no path ${path.slice(0, 200)}; GET / lists those that are`);
      if (request.method !== 'POST') {
        reply.header('allow', 'POST');
        throw new HttpRefusal(405, `the method is ${request.method}; allowed is POST`);
      }
      const answer = await route.post(request);
      route.answered(200);
      return reply.send(answer);
    } catch (error) {
      return refuse(request, reply, error, route);
    }
  });
  server.setNotFoundHandler((request, reply) =>
    refuse(request, reply, new HttpRefusal(404, 'there is no such path; GET / lists those that are')),
  );
  try {
    await server.listen({ host, port });
  } catch (error) {
    await server.close();
    const { code, message } = error as NodeJS.ErrnoException;
    const why = code === 'EADDRINUSE' ? 'another process has it' : message;
    throw new Error(`cannot take requests on ${host}:${port}: ${why}; give another port by --http-port`, { cause: error });
  }
  const address = server.server.address();
  if (address === null || typeof address === 'string') throw new Error(`no address after listening on ${host}:${port}`);
  return {
    routes,
    port: address.port,
    close: async () => {
      const late = setTimeout(() => server.server.closeAllConnections(), CLOSE_MS);
      await server.close();
      clearTimeout(late);
    },
  };
}

function refuse(request: FastifyRequest, reply: FastifyReply, error: unknown, route?: Route): FastifyReply {
  const refusal = error instanceof HttpRefusal ? error : new HttpRefusal(500, 'a mistake in Millrace; its log says more');
  const { code, message, field, retryAfterSeconds } = refusal;
  if (!(error instanceof HttpRefusal)) route?.log.error({ err: error }, 'a request could not be served');
  route?.answered(code);
  if (code === 401) reply.header('www-authenticate', 'Bearer');
  if (retryAfterSeconds !== undefined) reply.header('retry-after', String(retryAfterSeconds));
  if (!request.raw.complete) {
    reply.header('connection', 'close');
    const { socket } = request.raw;
    const late = setTimeout(() => socket.destroy(), LINGER_MS);
    socket.once('close', () => clearTimeout(late));
    request.raw.resume(); // what still comes is read and thrown away, or the client would not see the answer
  }
  return reply.code(code).send({ error: message, ...(field === undefined ? {} : { field }) });
}
