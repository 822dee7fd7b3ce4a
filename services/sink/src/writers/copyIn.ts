/** COPY … FROM STDIN of ready text. */
import type { ClientBase } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { bytesOf, type Line } from '../copyLines.ts';

/**
 * Sends the rows' lines in one COPY.
 * @param sent is called when the last of them is on its way, while the database still works on them
 * @returns rows copied
 * @throws pg.DatabaseError, its `where` naming the line; what `sent` throws, and the COPY is under way then
 */
export async function copyIn(client: ClientBase, sql: string, rows: readonly Line[], sent = () => {}): Promise<number> {
  const stream = client.query(copyFrom(sql));
  return new Promise((resolve, reject) => {
    // The listener stays: after an error of the server the stream may report that it could not send the rest.
    stream.on('error', reject);
    stream.on('finish', () => resolve(stream.rowCount));
    // One chunk: when the server stops in the middle, nothing is left that the stream would try to send later.
    stream.write(bytesOf(rows), (failed) => {
      if (!failed) setImmediate(() => attempt(sent, reject)); // behind the end of the COPY, which is sent next
    });
    stream.end();
  });
}

function attempt(what: () => void, failed: (error: unknown) => void): void {
  try {
    what();
  } catch (error) {
    failed(error);
  }
}
