/** Against a broker that misbehaves, as no real one can be made to. */
import { createServer, type Server, type Socket } from 'node:net';
import { generate, type Packet, parser } from 'mqtt-packet';
import { afterEach, expect, test } from 'vitest';
import { Connection, type ConnectionOptions } from './connection.ts';

const V5 = { protocolVersion: 5 } as const;
const CONNACK: Packet = { cmd: 'connack', reasonCode: 0, sessionPresent: false };
const servers: Server[] = [];
const sockets = new Set<Socket>();

afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
});

/** @param answer what it sends for a packet; it collects what it got */
async function brokerThat(
  answer: (packet: Packet) => Buffer | null,
): Promise<{ options: ConnectionOptions; got: Packet[]; taken: string[] }> {
  const got: Packet[] = [];
  const taken: string[] = [];
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    const parse = parser(V5);
    parse.on('packet', (packet) => {
      got.push(packet);
      const bytes = answer(packet);
      if (bytes !== null) socket.write(bytes);
    });
    socket.on('data', (chunk) => parse.parse(chunk));
  });
  servers.push(server);
  const port = await new Promise<number>((resolve) =>
    server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port)),
  );
  const options: ConnectionOptions = {
    host: '127.0.0.1',
    port,
    tls: null,
    version: 'v5',
    clientId: 'test',
    receiveMaximum: 10,
    maxBytes: 1_000,
    onMessage: ({ payload }, acknowledge) => {
      taken.push(String(payload));
      acknowledge?.();
    },
  };
  return { options, got, taken };
}

const signal = new AbortController().signal;
const bytesOf = (...packets: Packet[]): Buffer => Buffer.concat(packets.map((packet) => generate(packet, V5)));
const message = (payload: string, messageId: number, qos: 1 | 2 = 1): Packet => ({
  cmd: 'publish',
  topic: 'a',
  qos,
  messageId,
  payload,
  dup: false,
  retain: false,
});

test('a broker that falls silent is left after one and a half keep-alives', { timeout: 30_000 }, async () => {
  const { options, got } = await brokerThat((packet) =>
    packet.cmd === 'connect' ? bytesOf({ ...CONNACK, properties: { serverKeepAlive: 1 } } as Packet) : null,
  );
  const { connection } = await Connection.open(options, signal);
  expect((await connection.closed).message).toBe('nothing was heard from the broker for 1.5 s');
  expect(got.some(({ cmd }) => cmd === 'pingreq')).toBe(true);
});

test.each<[string, (packet: Packet) => Buffer | null, RegExp]>([
  [
    'refuses the client',
    () => bytesOf({ cmd: 'connack', reasonCode: 0x87, sessionPresent: false, properties: { reasonString: 'go away' } }),
    /refuses the connection: this client is not allowed to \(0x87: go away\)/,
  ],
  ['sends flags that no packet has', () => Buffer.from([0x26, 0x00]), /sent what is no MQTT: /],
  ['sends what never ends', () => Buffer.from([0x20, 0xff, 0xff, 0xff, 0xff, 0xff]), /more than four bytes/],
])('a broker that %s', async (_name, answer, reason) => {
  const { options } = await brokerThat(answer);
  await expect(Connection.open(options, signal)).rejects.toThrow(reason);
});

test('a filter that is refused is named', async () => {
  const { options } = await brokerThat((packet) =>
    packet.cmd === 'connect'
      ? bytesOf(CONNACK)
      : packet.cmd === 'subscribe'
        ? bytesOf({ cmd: 'suback', messageId: 1, granted: [1, 0x87] })
        : null,
  );
  const { connection } = await Connection.open(options, signal);
  await expect(connection.subscribe(['a', 'b/#'], 1, signal)).rejects.toThrow(
    /subscription to b\/#: this client is not allowed to/,
  );
  await connection.end();
});

test('messages are acknowledged on their own connection only, and nothing is taken behind its end', async () => {
  const late: (() => void)[] = [];
  const { options, got, taken } = await brokerThat((packet) =>
    packet.cmd === 'connect' ? bytesOf(CONNACK, message('one', 1), message('two', 2)) : null,
  );
  const onMessage: ConnectionOptions['onMessage'] = ({ payload }, acknowledge) => {
    taken.push(String(payload));
    if (acknowledge) late.push(acknowledge);
  };
  const { connection } = await Connection.open({ ...options, onMessage }, signal);
  expect(taken).toEqual(['one', 'two']);
  late[0]?.();
  await connection.end();
  late[1]?.();
  expect(got.flatMap((packet) => (packet.cmd === 'puback' ? packet.messageId : []))).toEqual([1]);
  expect(got.at(-1)?.cmd).toBe('disconnect');
});

test('a message of QoS 2, which is not asked for, ends the connection unacknowledged', async () => {
  const { options, taken } = await brokerThat((packet) =>
    packet.cmd === 'connect' ? bytesOf(CONNACK, message('two', 1, 2), message('one', 2)) : null,
  );
  const { connection } = await Connection.open(options, signal);
  expect((await connection.closed).message).toMatch(/under a with QoS 2/);
  expect(taken).toEqual([]);
});
