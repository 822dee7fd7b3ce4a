/** Every row is kept: plain COPY into the table, the newest row per key by the last round trip. */
import { list, table } from '@millrace/core/database/identifier.ts';
import { latestSql } from '../latest.ts';
import { rowWriter } from '../rowLine.ts';
import { copyIn } from './copyIn.ts';
import type { Merged, Target, Writer } from './writer.ts';

const NONE_MERGED: Merged = new Map();

export function copyWriter({ names, columns, latest }: Target): Writer {
  const sql = `COPY ${table(names.schema, names.table)} (${list(columns.map(({ name }) => name))}) FROM STDIN`;
  return {
    writeLine: rowWriter(columns, latest.key),
    prepareSql: null,
    async write(client, rows, sent) {
      await copyIn(client, sql, rows, sent);
      return NONE_MERGED;
    },
    closingSql: (rows) => latestSql(latest, rows),
  };
}
