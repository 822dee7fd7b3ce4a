/**
 * Free loopback ports, below the range that systems give to outgoing connections (32768 on Linux, 49152 elsewhere).
 * A port of that range can be taken by any connection while a killed server is down, even by a client that
 * keeps knocking: it then connects to itself, and the server never gets its port back.
 */
import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

const first = 15_000;
const last = 32_000;

/** As many different TCP ports of 127.0.0.1 as asked for, each free a moment ago. */
export async function freePorts(count: number): Promise<number[]> {
  const found = new Set<number>();
  for (let tries = 0; found.size < count; tries += 1) {
    if (tries > 1_000) throw new Error(`found no free port on 127.0.0.1 between ${first} and ${last}`);
    const port = randomInt(first, last);
    if (await isFree(port)) found.add(port);
  }
  return [...found];
}

/** Whether a server could listen on this port of 127.0.0.1 now. */
export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** Throws when a server cannot listen on a port of 127.0.0.1; `what` is what wanted it. */
export async function demandFree(port: number, what: string): Promise<void> {
  if (!(await isFree(port))) throw new Error(`${what} cannot listen on 127.0.0.1:${port}: another program has that port`);
}
