/** Raw records that a `millrace reset` has made rows of anew: under the rules of then, each is a row or was refused again. */
import type { ObjectPlace } from '@millrace/core/record/redrive.ts';
import type { Pool } from 'pg';

interface ReprocessedRow {
  topic_id: string;
  partition: number;
  from_offset: string;
  to_offset: string;
}

/** Tells whether the raw record of a place is among them. */
export async function reprocessedIn(database: Pool, pipeline: string): Promise<(place: ObjectPlace) => boolean> {
  const { rows } = await database.query<ReprocessedRow>(
    'SELECT topic_id, partition, from_offset, to_offset FROM millrace.reprocessed WHERE pipeline = $1',
    [pipeline],
  );
  const ranges = rows.map((row) => ({ ...row, from: Number(row.from_offset), to: Number(row.to_offset) }));
  return ({ topicId, partition, offset }) =>
    ranges.some(
      (range) =>
        range.topic_id === topicId.replace(/~\d+$/, '') &&
        range.partition === partition &&
        offset >= range.from &&
        offset < range.to,
    );
}
