import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { expect, test } from 'vitest';
import { knowsOwners, ownerOf } from './owner.ts';

async function listening(): Promise<Server> {
  const server = createServer((socket) => socket.on('error', () => {})).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

const portOf = (server: Server): number => (server.address() as AddressInfo).port;

test.runIf(knowsOwners)('the wrong process is never frozen: a connection is of the process that has its client end', async () => {
  const [server, other] = await Promise.all([listening(), listening()]);
  const client = connect(portOf(server), '127.0.0.1');
  await once(client, 'connect');
  const clientPort = Number(client.localPort);
  const elsewhere = connect({ port: portOf(other), host: '127.0.0.1', localAddress: '127.0.0.1' });
  await once(elsewhere, 'connect');
  expect(ownerOf({ clientPort, serverPort: portOf(server) }, [1, process.pid])).toBe(process.pid);
  expect(ownerOf({ clientPort, serverPort: portOf(server) }, [1])).toBe(null);
  expect(ownerOf({ clientPort, serverPort: portOf(other) }, [process.pid])).toBe(null);
  for (const socket of [client, elsewhere]) socket.destroy();
  for (const one of [server, other]) one.close();
});
