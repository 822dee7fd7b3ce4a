/** COPY … FROM STDIN of ready text. */
import type { ClientBase } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { bytesOf, type Line } from '../copyLines.ts';

/** Sends the rows' lines in one COPY. @returns rows copied. @throws pg.DatabaseError, its `where` naming the line */
export async function copyIn(client: ClientBase, sql: string, rows: readonly Line[]): Promise<number> {
  const stream = client.query(copyFrom(sql));
  return new Promise((resolve, reject) => {
    // The listener stays: after an error of the server the stream may report that it could not send the rest.
    stream.on('error', reject);
    stream.on('finish', () => resolve(stream.rowCount));
    // One chunk: when the server stops in the middle, nothing is left that the stream would try to send later.
    stream.end(bytesOf(rows));
  });
}
