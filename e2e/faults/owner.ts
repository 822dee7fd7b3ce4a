import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** Whether this system can say whose a connection is. */
export const knowsOwners = existsSync('/proc/net/tcp');

/**
 * Which of these processes has the client's end of a TCP connection on 127.0.0.1 (Linux); null: none of them. Both ports are
 * needed: one client port can be that of several connections, to different servers.
 */
export function ownerOf(
  { clientPort, serverPort }: { clientPort: number; serverPort: number },
  pids: readonly number[],
): number | null {
  const [local, remote] = [clientPort, serverPort].map((port) => `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`);
  const connection = readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .find((words) => words[1] === local && words[2] === remote);
  const socket = `socket:[${connection?.[9]}]`;
  return pids.find((pid) => openFiles(pid).includes(socket)) ?? null;
}

function openFiles(pid: number): string[] {
  const folder = `/proc/${pid}/fd`;
  try {
    return readdirSync(folder).map((name) => linkOf(`${folder}/${name}`));
  } catch {
    return []; // it has ended
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return ''; // closed meanwhile
  }
}
