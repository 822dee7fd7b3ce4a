import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { expect, test } from 'vitest';
import { knowsOwners, ownerOf } from './owner.ts';

test.runIf(knowsOwners)('the wrong process is never frozen: a connection is of the process that has its client end', async () => {
  const server = createServer((socket) => socket.on('error', () => {})).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  await once(client, 'connect');
  const port = Number(client.localPort);
  expect(ownerOf(port, [1, process.pid])).toBe(process.pid);
  expect(ownerOf(port, [1])).toBe(null);
  client.destroy();
  server.close();
});
