/**
 * A TCP proxy before one server, for tests of what clients do when the network fails: connections that break, answers that
 * never come, answers that are held back while something is done to the client, connections that are refused, everything late.
 *
 * Invariant: what it holds is bounded by one chunk per direction and connection, and a MiB of what was asked, since a side is read on only when its
 * last chunk was passed on; stop() leaves no socket and no timer.
 *
 * Clients of a Kafka broker go where the broker says it is, so its `advertised.listeners` must name the proxy's address.
 */
import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { Answered, Conversation } from './answers.ts';

/** One chunk of answers on its way to a client. */
export interface Answer {
  /** The requests that it answers, where the proxy understands the protocol; a large answer is named by its first chunk. */
  answered: readonly Answered[];
  /** What the client sent since the answer before, its first MiB: a request may have come behind the one that is answered. */
  asked: Buffer;
  /** Of the client's end of its connection: tells which process it is. */
  clientPort: number;
}

const ASKED_BYTES = 2 ** 20;

export type Match = (answer: Buffer, requests: Buffer, about: Answer) => boolean;

/** An answer that is held back: the server has done what was asked, and the client does not know yet. */
export interface Held {
  /** Resolves with the client's port once an answer is held. Rejects when the proxy is healed or stopped before. */
  caught: Promise<number>;
  /** Passes the answer on, or gives up waiting for one. */
  release(): void;
}

export interface FaultProxy {
  /** `127.0.0.1:port` for clients. */
  address: string;
  port: number;
  /** Breaks all connections; new ones are taken. */
  cut(): void;
  /** Breaks all connections and refuses new ones until accept() or heal(). */
  refuse(): Promise<void>;
  accept(): Promise<void>;
  /** Passes every chunk on this much later, both ways. */
  delay(ms: number): void;
  /**
   * Passes requests on, swallows the answers, and breaks a connection at the first answer: the server has done what was
   * asked and the client cannot know. Until passAnswers() or heal(). `match` says which answers; default all.
   */
  dropAnswers(match?: Match): void;
  passAnswers(): void;
  /** Holds the first answer that matches back, with all that follows it on its connection. Other connections go on. */
  holdAnswer(match: Match): Held;
  /** No faults any more. */
  heal(): Promise<void>;
  /** Answers swallowed since the last dropAnswers(). */
  dropped(): number;
  stop(): Promise<void>;
}

/**
 * @param upstream `host:port` of the server, which need not be there yet
 * @param port where to listen; 0: a free one
 * @param conversation reads the protocol, so that answers can be chosen by what they answer (`answers.ts`)
 */
export async function startFaultProxy(upstream: string, port = 0, conversation?: () => Conversation): Promise<FaultProxy> {
  const colon = upstream.lastIndexOf(':');
  const target = { host: upstream.slice(0, colon), port: Number(upstream.slice(colon + 1)) };
  const stopping = new AbortController();
  const pairs = new Set<readonly [Socket, Socket]>();
  const holds = new Set<Hold>();
  let drops: Match | null = null;
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
    let asked: Buffer = Buffer.alloc(0);
    let isAnswered = true;
    const clientPort = client.remotePort ?? 0;
    const talk = conversation?.();
    const pass = (from: Socket, to: Socket, look: (chunk: Buffer) => Promise<void> | 'pass' | 'drop') => {
      from.on('data', async (chunk: Buffer) => {
        const verdict = look(chunk);
        if (verdict === 'drop') return end();
        from.pause();
        if (verdict !== 'pass') await verdict;
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
      if (isAnswered) asked = chunk;
      else if (asked.length < ASKED_BYTES) asked = Buffer.concat([asked, chunk]);
      isAnswered = false;
      talk?.asked(chunk);
      return 'pass';
    });
    pass(upward, client, (chunk) => {
      const about = { answered: talk?.answers(chunk) ?? [], asked, clientPort };
      isAnswered = true;
      if (drops?.(chunk, request, about)) {
        droppedAnswers++;
        return 'drop';
      }
      const hold = [...holds].find((each) => !each.isCaught && each.match(chunk, request, about));
      return hold?.take(clientPort) ?? 'pass';
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
  const accept = async (): Promise<void> => {
    if (!server.listening) await listen(address.port);
  };
  return {
    address: `127.0.0.1:${address.port}`,
    port: address.port,
    cut: breakAll,
    async refuse() {
      const closed = unlisten();
      breakAll();
      await closed;
    },
    accept,
    delay(ms) {
      delayMs = ms;
    },
    dropAnswers(match = () => true) {
      drops = match;
      droppedAnswers = 0;
    },
    passAnswers() {
      drops = null;
    },
    holdAnswer(match) {
      const hold = newHold(match, () => holds.delete(hold));
      holds.add(hold);
      return hold;
    },
    async heal() {
      drops = null;
      delayMs = 0;
      for (const hold of holds) hold.release();
      await accept();
    },
    dropped: () => droppedAnswers,
    async stop() {
      stopping.abort();
      for (const hold of holds) hold.release();
      const closed = unlisten();
      breakAll();
      await closed;
    },
  };
}

interface Hold extends Held {
  match: Match;
  isCaught: boolean;
  /** Resolves when the answer may go on. */
  take(clientPort: number): Promise<void>;
}

function newHold(match: Match, over: () => void): Hold {
  const caught = Promise.withResolvers<number>();
  const released = Promise.withResolvers<void>();
  caught.promise.catch(() => {}); // whoever does not wait for it is not told
  return {
    match,
    isCaught: false,
    caught: caught.promise,
    take(clientPort) {
      this.isCaught = true;
      caught.resolve(clientPort);
      return released.promise;
    },
    release() {
      over();
      caught.reject(new Error('no answer was held before the hold was released'));
      released.resolve();
    },
  };
}
