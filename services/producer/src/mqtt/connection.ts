/**
 * One connection to a broker that subscribes (MQTT 3.1.1 and 5.0), over the codec of the library mqtt. That library's own client
 * acknowledges one message before it looks at the next, and keeps acknowledgements of a connection that is gone for the next one
 * (docs/decisions/0034).
 *
 * Invariants:
 * - A message of QoS 1 is acknowledged only by `acknowledge`, on the connection that it came by, or never.
 * - While it is paused nothing is read: the broker, or the network before it, keeps what there is.
 * - A connection whose other side is gone ends within one and a half keep-alives.
 */
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls, type SecureContextOptions } from 'node:tls';
import type { Oversize } from '@millrace/core/record/raw.ts';
import { oversizeOf } from '@millrace/core/record/raw.ts';
import {
  generate,
  type IConnackPacket,
  type IPublishPacket,
  type ISubackPacket,
  type IUnsubackPacket,
  type Packet,
  parser,
} from 'mqtt-packet';
import { keptBytes } from '../replay/piece.ts';
import { Framing } from './framing.ts';
import type { MqttMessage } from './message.ts';
import { reasonOf } from './reasons.ts';

/** For the connection, its handshake and the broker's answer together. */
const CONNECT_MS = 10_000;
const SUBSCRIBE_MS = 10_000;
const PING_MS = 10_000;
const KEEP_ALIVE_SECONDS = 30;
const CLOSE_MS = 1_000;
/** The session stays for good: how long nobody may listen is the broker's to say. */
const NEVER = 0xffff_ffff;

export interface ConnectionOptions {
  host: string;
  port: number;
  /** null: without TLS. */
  tls: Pick<SecureContextOptions, 'ca' | 'cert' | 'key'> | null;
  version: 'v3.1.1' | 'v5';
  clientId: string;
  username?: string;
  password?: Buffer;
  /** Most messages of QoS 1 that wait for their acknowledgement. Of v5; before, the broker alone decides it. */
  receiveMaximum: number;
  /** Of a payload with more only the beginning is kept. */
  maxBytes: number;
  /** @param acknowledge null for a message that the broker does not wait for */
  onMessage(message: MqttMessage, acknowledge: (() => void) | null): void;
}

export class Connection {
  readonly #options: ConnectionOptions;
  readonly #socket: Socket;
  readonly #protocol: { protocolVersion: 4 | 5 };
  readonly #connack = Promise.withResolvers<IConnackPacket>();
  readonly #suback = Promise.withResolvers<ISubackPacket>();
  readonly #unsuback = Promise.withResolvers<IUnsubackPacket>();
  readonly #closed = Promise.withResolvers<Error>();
  /** Of PINGREQs, in their order: whom the answer is told. */
  readonly #pings: PromiseWithResolvers<void>[] = [];
  #error: Error | null = null;
  #isClosed = false;
  #paused = false;
  #heardAtMs = performance.now();
  #keepAlive: NodeJS.Timeout | null = null;

  private constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#protocol = { protocolVersion: options.version === 'v5' ? 5 : 4 };
    const { host, port, tls } = options;
    // An address is no name for SNI; the certificate is compared with it all the same.
    const servername = isIP(host) === 0 ? host : '';
    this.#socket = tls === null ? connectTcp({ host, port }) : connectTls({ host, port, servername, ...tls });
    this.#socket.setNoDelay(true);
    const parse = parser(this.#protocol);
    let oversize: Oversize | null = null;
    parse.on('packet', (packet) => this.#take(packet, oversize));
    parse.on('error', (error: Error) => this.#end(new Error(`the broker sent what is no MQTT: ${error.message}`)));
    const framing = new Framing({ maxBytes: options.maxBytes, hasProperties: options.version === 'v5' }, (bytes, of) => {
      oversize = of;
      if (!this.#isClosed) parse.parse(bytes);
    });
    this.#socket.on('data', (chunk: Buffer) => {
      this.#heardAtMs = performance.now();
      try {
        framing.push(chunk);
      } catch (error) {
        this.#end(error as Error);
      }
    });
    this.#socket.once(tls === null ? 'connect' : 'secureConnect', () => this.#send(this.#connectPacket()));
    this.#socket.on('error', (error) => this.#end(errorOf(error)));
    this.#socket.on('close', () => this.#onClose());
    for (const { promise } of [this.#connack, this.#suback, this.#unsuback]) promise.catch(() => undefined); // told by `closed`, too
  }

  /** Connects, and says whether the broker still has the session of this client. @throws Error where the broker refuses, or is not there */
  static async open(
    options: ConnectionOptions,
    signal: AbortSignal,
  ): Promise<{ connection: Connection; sessionPresent: boolean }> {
    const connection = new Connection(options);
    try {
      const { returnCode, reasonCode, sessionPresent, properties } = await connection.#within(
        connection.#connack.promise,
        CONNECT_MS,
        signal,
      );
      const code = (options.version === 'v5' ? reasonCode : returnCode) ?? 0;
      if (code !== 0) throw new Error(`the broker refuses the connection: ${reasonOf(code, properties?.reasonString)}`);
      connection.#keepAliveEvery(properties?.serverKeepAlive ?? KEEP_ALIVE_SECONDS);
      return { connection, sessionPresent };
    } catch (error) {
      connection.#end(error as Error);
      await connection.closed;
      throw error;
    }
  }

  /** Resolves with the reason when the connection has ended. */
  get closed(): Promise<Error> {
    return this.#closed.promise;
  }

  /**
   * Once per connection.
   * @throws Error naming a filter that the broker refuses
   */
  async subscribe(filters: readonly string[], qos: 0 | 1, signal: AbortSignal): Promise<void> {
    // rh 1: what the broker retains comes with a new subscription, and not again with each connection.
    const subscriptions = filters.map((topic) => ({ topic, qos, ...(this.#options.version === 'v5' ? { rh: 1 } : {}) }));
    this.#send({ cmd: 'subscribe', messageId: 1, subscriptions });
    const { granted, properties } = await this.#within(this.#suback.promise, SUBSCRIBE_MS, signal);
    for (const [index, code] of (granted as number[]).entries())
      if (code >= 0x80)
        throw new Error(`the broker refuses the subscription to ${filters[index]}: ${reasonOf(code, properties?.reasonString)}`);
  }

  /**
   * Once per connection. What the broker keeps for this session still comes.
   * @throws Error naming a filter of which the broker does not let go
   */
  async unsubscribe(filters: readonly string[], signal: AbortSignal): Promise<void> {
    this.#send({ cmd: 'unsubscribe', messageId: 2, unsubscriptions: [...filters] });
    const { granted = [], properties } = await this.#within(this.#unsuback.promise, SUBSCRIBE_MS, signal);
    for (const [index, code] of granted.entries())
      if (code >= 0x80)
        throw new Error(
          `the broker does not end the subscription to ${filters[index]}: ${reasonOf(code, properties?.reasonString)}`,
        );
  }

  /** Resolves when the broker has read all that it was sent before. @throws Error where it does not answer, or the connection has ended */
  async ping(signal: AbortSignal): Promise<void> {
    if (this.#isClosed) throw await this.closed;
    await this.#within(this.#ping(), PING_MS, signal);
  }

  pause(): void {
    this.#paused = true;
    this.#socket.pause();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#heardAtMs = performance.now();
    this.#socket.resume();
  }

  /** Says good-bye; the session stays. @param forget with v5: it ends */
  async end({ forget = false } = {}): Promise<void> {
    if (!this.#isClosed) {
      const properties = forget ? { properties: { sessionExpiryInterval: 0 } } : {};
      this.#send({ cmd: 'disconnect', ...(this.#options.version === 'v5' ? { reasonCode: 0, ...properties } : {}) });
      this.#error ??= new Error('it was ended here');
      this.#socket.end();
      this.#socket.resume();
      const late = setTimeout(() => this.#socket.destroy(), CLOSE_MS);
      await this.closed;
      clearTimeout(late);
    }
  }

  #connectPacket(): Packet {
    const { clientId, username, password, receiveMaximum, version } = this.#options;
    return {
      cmd: 'connect',
      protocolId: 'MQTT',
      ...this.#protocol,
      clean: false,
      clientId,
      keepalive: KEEP_ALIVE_SECONDS,
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password }),
      ...(version === 'v5' ? { properties: { sessionExpiryInterval: NEVER, receiveMaximum } } : {}),
    };
  }

  #take(packet: Packet, oversize: Oversize | null): void {
    if (this.#error !== null) return; // what comes behind the end is the next connection's
    if (packet.cmd === 'publish') this.#takeMessage(packet, oversize);
    else if (packet.cmd === 'connack') this.#connack.resolve(packet);
    else if (packet.cmd === 'suback') this.#suback.resolve(packet);
    else if (packet.cmd === 'unsuback') this.#unsuback.resolve(packet);
    else if (packet.cmd === 'pingresp') this.#pings.shift()?.resolve();
    else if (packet.cmd === 'disconnect')
      this.#end(
        new Error(`the broker ends the connection: ${reasonOf(packet.reasonCode ?? 0, packet.properties?.reasonString)}`),
      );
    // Nothing else is asked for.
  }

  #takeMessage({ topic, payload, qos, messageId, retain, dup }: IPublishPacket, cut: Oversize | null): void {
    if (qos === 2 || (qos === 1 && messageId === undefined)) {
      this.#end(new Error(`the broker sent a message under ${topic} with QoS ${qos}, which was not asked for`));
      return;
    }
    const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload;
    const { maxBytes, onMessage } = this.#options;
    const oversize = cut ?? (bytes.length > maxBytes ? oversizeOf(bytes) : null);
    // Copied: else a small payload would hold the whole chunk that it came in.
    const kept = Buffer.from(oversize === null ? bytes : bytes.subarray(0, keptBytes(maxBytes)));
    const acknowledge = qos === 0 ? null : (): void => this.#send({ cmd: 'puback', messageId: messageId as number });
    onMessage({ topic, payload: kept, oversize, qos, retain, dup }, acknowledge);
  }

  #keepAliveEvery(seconds: number): void {
    if (this.#isClosed || seconds === 0) return;
    this.#keepAlive = setInterval(() => {
      if (!this.#paused && performance.now() - this.#heardAtMs > 1_500 * seconds)
        this.#end(new Error(`nothing was heard from the broker for ${1.5 * seconds} s`));
      else void this.#ping();
    }, seconds * 750);
  }

  #ping(): Promise<void> {
    const ping = Promise.withResolvers<void>();
    ping.promise.catch(() => undefined); // told by `closed`, too
    this.#pings.push(ping);
    this.#send({ cmd: 'pingreq' });
    return ping.promise;
  }

  /** Several packets of one turn leave together. */
  #send(packet: Packet): void {
    if (this.#isClosed || this.#error !== null) return;
    if (this.#socket.writableCorked === 0) {
      this.#socket.cork();
      process.nextTick(() => this.#socket.uncork());
    }
    this.#socket.write(generate(packet, this.#protocol));
  }

  #end(error: Error): void {
    this.#error ??= error;
    this.#socket.destroy();
  }

  #onClose(): void {
    this.#isClosed = true;
    if (this.#keepAlive) clearInterval(this.#keepAlive);
    const error = this.#error ?? new Error('the broker closed the connection');
    this.#connack.reject(error);
    this.#suback.reject(error);
    this.#unsuback.reject(error);
    for (const { reject } of this.#pings) reject(error);
    this.#closed.resolve(error);
  }

  async #within<T>(promise: Promise<T>, ms: number, signal: AbortSignal): Promise<T> {
    const over = Promise.withResolvers<never>();
    // The answer to a subscription stands behind messages that wait: while these are not read, it is not late.
    const timer = setInterval(() => {
      if (!this.#paused) over.reject(new Error(`the broker did not answer within ${ms / 1_000} s`));
    }, ms);
    const aborted = (): void => over.reject(new Error('it was ended here'));
    signal.addEventListener('abort', aborted, { once: true });
    if (signal.aborted) aborted();
    try {
      return await Promise.race([promise, over.promise]);
    } finally {
      clearInterval(timer);
      signal.removeEventListener('abort', aborted);
    }
  }
}

/** Where a name has several addresses, Node says what came of each, and nothing of all. */
function errorOf(error: Error & { errors?: readonly Error[] }): Error {
  if (error.message !== '') return error;
  return new Error(error.errors?.map(({ message }) => message).join('; ') ?? error.name, { cause: error });
}
