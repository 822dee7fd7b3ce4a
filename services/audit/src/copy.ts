/**
 * Copies what the processor committed beside its offsets into `millrace.ledger`, where it stands beside what the sink did.
 *
 * Invariants:
 * - Counters are set, never added to: any number of copies, in any order, give the same. An hour's row stays as it is where it
 *   counts more than the commit does: the processor is reading the log again, and is behind.
 * - One process at a time copies for a Pipeline, and asks Kafka only when it is its turn: the last one to write is the last one that asked.
 * - What was counted in hours that nobody copied in time stands in the hour -infinity, so that the sums are those of the commit.
 */
import type { Kafka } from '@millrace/core/kafka/kafka.ts';
import { HOUR_MS } from '@millrace/core/record/hour.ts';
import { cutTopicId } from '@millrace/core/record/origin.ts';
import { COUNTERS, decodeProgress, type Progress } from '@millrace/core/record/progress.ts';
import { namesOf } from '@millrace/core/spec/names.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import type { ClientBase, Pool } from 'pg';

/** Columns of the ledger, in the order of `COUNTERS`. */
const COLUMNS = ['raw_records', 'raw', 'rows', 'processor_refused', 'dropped', 'processor_repeats'];
const SET = COLUMNS.map((name) => `${name} = EXCLUDED.${name}`).join(', ');

const HOURS_SQL = `
  INSERT INTO millrace.ledger AS kept (pipeline, partition, topic_id, hour, ${COLUMNS.join(', ')})
  SELECT $1, $2::int, topic_id, to_timestamp(hour), ${COLUMNS.join(', ')}
    FROM unnest($3::text[], $4::float8[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[])
      AS counted (topic_id, hour, ${COLUMNS.join(', ')})
   ORDER BY topic_id COLLATE "C", hour
  ON CONFLICT (pipeline, partition, topic_id, hour) DO UPDATE SET ${SET} WHERE EXCLUDED.raw > kept.raw`;

/** The totals ($5 to $10) less what hours hold. Lower than before only where the commit counts from the log's beginning ($4). */
const REST_SQL = `
  INSERT INTO millrace.ledger AS kept (pipeline, partition, topic_id, hour, ${COLUMNS.join(', ')})
  SELECT $1, $2::int, $3::text, '-infinity', ${COLUMNS.map((name, at) => `greatest(0, $${at + 5}::bigint - coalesce(sum(${name}), 0))`).join(', ')}
    FROM millrace.ledger
   WHERE pipeline = $1 AND partition = $2 AND split_part(topic_id, '~', 1) = split_part($3::text, '~', 1) AND hour <> '-infinity'
  HAVING $6::bigint > coalesce(sum(raw), 0) OR ($4::boolean AND EXISTS (SELECT FROM millrace.ledger
    WHERE pipeline = $1 AND partition = $2 AND topic_id = $3::text AND hour = '-infinity'))
  ON CONFLICT (pipeline, partition, topic_id, hour) DO UPDATE SET ${SET}
    WHERE EXCLUDED.raw > kept.raw OR ($4::boolean AND EXCLUDED.raw < kept.raw)`;

/**
 * Copies once for all partitions. Waits for its turn as long as the database lets a session wait for a lock.
 * @throws Error of Kafka or the database
 */
export async function copyProcessorCounts(kafka: Kafka, database: Pool, pipeline: Pipeline): Promise<void> {
  const names = namesOf(pipeline);
  const client = await database.connect();
  // A connection that ends between two queries says so by an event, and one without a listener ends the process; the next
  // query fails with the same error.
  const broken = (): void => undefined;
  client.on('error', broken);
  try {
    await client.query('BEGIN');
    await client.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [`millrace ledger ${names.pipeline}`]);
    const topic = await kafka.topic(names.raw);
    const committed = topic === null ? [] : await kafka.committed(names.processorGroup, names.raw);
    for (const [partition, { metadata }] of committed) {
      const progress = decodeProgress(metadata);
      // A commit made under another topic id counts for nothing; what it had counted was copied while it did.
      if (progress !== null && progress.topicId === topic?.id) await copyPartition(client, names.pipeline, partition, progress);
    }
    await client.query('COMMIT');
    client.off('error', broken);
    client.release();
  } catch (error) {
    client.release(error instanceof Error ? error : true);
    throw error;
  }
}

async function copyPartition(client: ClientBase, pipeline: string, partition: number, progress: Progress): Promise<void> {
  const { hours, topicId, cuts, since } = progress;
  const ids = hours.map(([, generation]) => cutTopicId(topicId, generation));
  const seconds = hours.map(([hour]) => (hour * HOUR_MS) / 1000);
  const columns = COUNTERS.map((_, at) => hours.map((entry) => entry[at + 2]));
  await client.query(HOURS_SQL, [pipeline, partition, ids, seconds, ...columns]);
  const totals = COUNTERS.map((name) => progress[name]);
  await client.query(REST_SQL, [pipeline, partition, cutTopicId(topicId, cuts.length), since === 0, ...totals]);
}
