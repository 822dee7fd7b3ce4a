/**
 * A TCP proxy before one server, for tests of what clients do when the network fails: connections that break, answers that
 * never come, connections that are refused, everything late.
 *
 * Invariant: what it holds is bounded by one chunk per direction and connection, since a side is read on only when its
 * last chunk was passed on; stop() leaves no socket and no timer.
 *
 * Clients of a Kafka broker go where the broker says it is, so its `advertised.listeners` must name the proxy's address.
 */
import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

export interface FaultProxy {
  /** `127.0.0.1:port` for clients. */
  address: string;
  port: number;
  /** Breaks all connections; new ones are taken. */
  cut(): void;
  /** Breaks all connections and refuses new ones until heal(). */
  refuse(): Promise<void>;
  /** Passes every chunk on this much later, both ways. */
  delay(ms: number): void;
  /**
   * Passes requests on, swallows the answers, and breaks a connection at the first answer: the server has done what was
   * asked and the client cannot know. Until heal(). `match` says which answers; default all.
   */
  dropAnswers(match?: (answer: Buffer, requests: Buffer) => boolean): void;
  /** No faults any more. */
  heal(): Promise<void>;
  /** Answers swallowed since the last dropAnswers(). */
  dropped(): number;
  stop(): Promise<void>;
}

/** @param upstream `host:port` of the server, which need not be there yet; `port`: where to listen, default a free one. */
export async function startFaultProxy(upstream: string, port = 0): Promise<FaultProxy> {
  const colon = upstream.lastIndexOf(':');
  const target = { host: upstream.slice(0, colon), port: Number(upstream.slice(colon + 1)) };
  const stopping = new AbortController();
  const pairs = new Set<readonly [Socket, Socket]>();
  let drops: ((answer: Buffer, requests: Buffer) => boolean) | null = null;
  let delayMs = 0;
  let droppedAnswers = 0;

  const breakAll = () => {
    for (const pair of pairs) for (const socket of pair) socket.destroy();
  };

  const server: Server = createServer((client) => {
    const upward = connect(target);
    const pair = [client, upward] as const;
    pairs.add(pair);
    const end = () => {
      pairs.delete(pair);
      client.destroy();
      upward.destroy();
    };
    let request: Buffer = Buffer.alloc(0);
    const pass = (from: Socket, to: Socket, look: (chunk: Buffer) => boolean) => {
      from.on('data', async (chunk: Buffer) => {
        if (!look(chunk)) return end();
        from.pause();
        if (delayMs > 0) await delay(delayMs, undefined, { signal: stopping.signal }).catch(() => {});
        if (to.destroyed) return;
        to.write(chunk, () => from.resume());
      });
      from.on('error', end);
      from.on('close', end);
      from.setNoDelay(true);
    };
    pass(client, upward, (chunk) => {
      request = chunk;
      return true;
    });
    pass(upward, client, (chunk) => {
      if (!drops?.(chunk, request)) return true;
      droppedAnswers++;
      return false;
    });
  });

  const listen = (at: number) =>
    new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ port: at, host: '127.0.0.1' }, () => {
        server.off('error', reject);
        resolve();
      });
    });
  const unlisten = () => new Promise<void>((resolve) => (server.listening ? server.close(() => resolve()) : resolve()));

  await listen(port);
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the proxy has no TCP address');
  return {
    address: `127.0.0.1:${address.port}`,
    port: address.port,
    cut: breakAll,
    async refuse() {
      const closed = unlisten();
      breakAll();
      await closed;
    },
    delay(ms) {
      delayMs = ms;
    },
    dropAnswers(match = () => true) {
      drops = match;
      droppedAnswers = 0;
    },
    async heal() {
      drops = null;
      delayMs = 0;
      if (!server.listening) await listen(address.port);
    },
    dropped: () => droppedAnswers,
    async stop() {
      stopping.abort();
      const closed = unlisten();
      breakAll();
      await closed;
    },
  };
}
