import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type FaultProxy, startFaultProxy } from './faultProxy.ts';

let server: Server;
let proxy: FaultProxy;
let received: string[];

beforeEach(async () => {
  received = [];
  server = createServer((socket) => {
    socket.on('data', (chunk) => {
      received.push(chunk.toString());
      socket.write(`answer to ${chunk}`);
    });
    socket.on('error', () => socket.destroy());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no address');
  proxy = await startFaultProxy(`127.0.0.1:${address.port}`);
});

afterEach(async () => {
  await proxy.stop();
  server.close();
});

async function open(): Promise<Socket> {
  const socket = connect(proxy.port, '127.0.0.1');
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

async function ask(socket: Socket, text: string): Promise<string> {
  socket.write(text);
  const [chunk] = await Promise.race([once(socket, 'data'), once(socket, 'close').then(() => ['closed'])]);
  return String(chunk);
}

describe('fault proxy', () => {
  test('passes both ways, and late when told to', async () => {
    const socket = await open();
    expect(await ask(socket, 'a')).toBe('answer to a');
    proxy.delay(30);
    const before = performance.now();
    expect(await ask(socket, 'b')).toBe('answer to b');
    expect(performance.now() - before).toBeGreaterThanOrEqual(59);
  });

  test('cut breaks a connection and takes the next one', async () => {
    const socket = await open();
    await ask(socket, 'a');
    proxy.cut();
    await once(socket, 'close');
    expect(await ask(await open(), 'b')).toBe('answer to b');
  });

  test('an answer that is dropped was asked for all the same', async () => {
    const socket = await open();
    proxy.dropAnswers();
    expect(await ask(socket, 'pay 5')).toBe('closed');
    expect(received).toEqual(['pay 5']);
    expect(proxy.dropped()).toBe(1);
    await proxy.heal();
    expect(await ask(await open(), 'b')).toBe('answer to b');
  });

  test('an answer that is held comes when it is released; the server has it done before, other connections go on', async () => {
    const socket = await open();
    const held = proxy.holdAnswer((answer) => answer.includes('pay'));
    const answer = ask(socket, 'pay 5');
    expect(await held.caught).toBe(socket.localPort);
    expect(received).toEqual(['pay 5']);
    expect(await ask(await open(), 'pay 6')).toBe('answer to pay 6');
    expect(await Promise.race([answer, 'still waiting'])).toBe('still waiting');
    held.release();
    expect(await answer).toBe('answer to pay 5');
  });

  test('a hold that nothing met ends with its release', async () => {
    const held = proxy.holdAnswer(() => true);
    await proxy.heal();
    await expect(held.caught).rejects.toThrow('no answer was held');
    expect(await ask(await open(), 'a')).toBe('answer to a');
  });

  test('refused connections are taken again on the same port after heal', async () => {
    await proxy.refuse();
    const socket = connect(proxy.port, '127.0.0.1');
    const [error] = await once(socket, 'error');
    expect(error.code).toBe('ECONNREFUSED');
    await proxy.heal();
    expect(await ask(await open(), 'b')).toBe('answer to b');
  });
});
