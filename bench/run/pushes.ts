/**
 * Requests at a fixed rate over connections that are kept: by hand on sockets, since Node's own client takes as much CPU as the
 * server that is measured.
 *
 * The latency of each counts from when it was due, whatever held it back (no coordinated omission).
 */
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const HEAD_END = '\r\n\r\n';
/** Requests that are due are looked for so often. */
const TICK_MS = 2;
const ANSWERS_WITHIN_MS = 30_000;

export interface PushOptions {
  port: number;
  path: string;
  /** Sent in turn. */
  bodies: readonly string[];
  perSecond: number;
  seconds: number;
  connections: number;
}

export interface Pushed {
  /** Answers by status code; 0: none came. */
  codes: Map<number, number>;
  /** Of those that were answered 200. */
  latenciesMs: number[];
  /** From the first that was due to the last answer. */
  tookSeconds: number;
}

interface Due {
  atMs: number;
  request: Buffer;
}

export async function pushAtRate({ port, path, bodies, perSecond, seconds, connections }: PushOptions): Promise<Pushed> {
  const requests = bodies.map((body) => requestOf(path, body));
  const codes = new Map<number, number>();
  const latenciesMs: number[] = [];
  const waiting: Due[] = [];
  const free: Connection[] = [];
  const all = Array.from({ length: connections }, () => new Connection(port, next));
  const total = Math.round(perSecond * seconds);
  let answered = 0;
  const done = Promise.withResolvers<void>();

  function next(connection: Connection, code: number, dueMs: number): void {
    codes.set(code, (codes.get(code) ?? 0) + 1);
    if (code === 200) latenciesMs.push(performance.now() - dueMs);
    answered += 1;
    if (answered === total) done.resolve();
    const due = waiting.shift();
    if (due === undefined) free.push(connection);
    else connection.send(due.request, due.atMs);
  }

  await Promise.all(all.map((connection) => connection.open()));
  free.push(...all);
  const startMs = performance.now();
  try {
    for (let n = 0; n < total; ) {
      for (const nowMs = performance.now(); n < total && startMs + (n * 1_000) / perSecond <= nowMs; n++) {
        const due = { atMs: startMs + (n * 1_000) / perSecond, request: requests[n % requests.length] as Buffer };
        const connection = free.pop();
        if (connection === undefined) waiting.push(due);
        else connection.send(due.request, due.atMs);
      }
      await sleep(TICK_MS);
    }
    const late = setTimeout(() => done.reject(new Error(`${total - answered} requests had no answer`)), ANSWERS_WITHIN_MS);
    await done.promise;
    clearTimeout(late);
    return { codes, latenciesMs, tookSeconds: (performance.now() - startMs) / 1_000 };
  } finally {
    for (const connection of all) connection.close();
  }
}

function requestOf(path: string, body: string): Buffer {
  const head = `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}`;
  return Buffer.from(`${head}${HEAD_END}${body}`);
}

/** One request at a time. A connection that ends before its answer counts as answered 0, and is opened anew by the next request. */
class Connection {
  readonly #port: number;
  readonly #answered: (connection: Connection, code: number, dueMs: number) => void;
  #socket: Socket | null = null;
  #dueMs: number | null = null;
  #text = '';

  constructor(port: number, answered: (connection: Connection, code: number, dueMs: number) => void) {
    this.#port = port;
    this.#answered = answered;
  }

  open(): Promise<void> {
    const opened = Promise.withResolvers<void>();
    const socket = connect({ port: this.#port, host: '127.0.0.1', noDelay: true }, opened.resolve);
    socket.setEncoding('latin1').on('data', (chunk: string) => this.#read(chunk));
    socket.on('error', opened.reject).on('close', () => {
      if (this.#socket === socket) this.#socket = null;
      this.#end(0);
    });
    this.#socket = socket;
    return opened.promise;
  }

  send(request: Buffer, dueMs: number): void {
    this.#dueMs = dueMs;
    this.#text = '';
    if (this.#socket === null) this.open().catch(() => undefined); // its end is answered 0
    this.#socket?.write(request);
  }

  close(): void {
    this.#dueMs = null;
    this.#socket?.destroy();
  }

  #read(chunk: string): void {
    this.#text += chunk;
    const head = this.#text.indexOf(HEAD_END);
    if (head === -1) return;
    const length = /\r\ncontent-length: (\d+)/i.exec(this.#text.slice(0, head))?.[1];
    if (this.#text.length >= head + HEAD_END.length + Number(length ?? 0)) this.#end(Number(this.#text.slice(9, 12)));
  }

  #end(code: number): void {
    const dueMs = this.#dueMs;
    if (dueMs === null) return;
    this.#dueMs = null;
    this.#answered(this, code, dueMs);
  }
}
