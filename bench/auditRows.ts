/**
 * How long the audit in counts takes over a table of N rows: `node bench/auditRows.ts 10000000`.
 *
 * The raw log, the table, the ledger and one refusal in a hundred are really there; the processed topic is left empty, as retention leaves
 * it, since at rest the audit asks for nothing but its ends.
 */
import { audit } from '@millrace/audit/audit.ts';
import { connectDatabase } from '@millrace/core/database/connect.ts';
import { connectKafka } from '@millrace/core/kafka/connect.ts';
import { epochHour, HOUR_MS } from '@millrace/core/record/hour.ts';
import { encodeProgress, freshProgress } from '@millrace/core/record/progress.ts';
import { refusalRecord } from '@millrace/core/record/refusal.ts';
import { namesOf } from '@millrace/core/spec/names.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import { startKafka } from '@millrace/embedded/kafka.ts';
import { startPostgres } from '@millrace/embedded/postgres.ts';
import { setupPipeline } from '@millrace/setup/setup.ts';
import { pino } from 'pino';

const PARTITIONS = 6;
const REFUSED_EVERY = 100;
const BATCH = 20_000;

const total = Number(process.argv[2] ?? 10_000_000);
if (!Number.isSafeInteger(total) || total < PARTITIONS)
  throw new Error(`rows: ${process.argv[2]}; allowed is a whole number from ${PARTITIONS}`);
const log = pino({ level: 'silent' });
const [broker, server] = await Promise.all([startKafka(), startPostgres()]);
const kafka = connectKafka({ brokers: broker.brokers, clientId: 'bench', log });
const database = connectDatabase({ url: server.url, applicationName: 'bench', log });
try {
  await fill();
  for (let run = 1; run <= 2; run += 1) {
    const { state, rows, tookMs, checks } = await audit(pipeline(), { kafka, database });
    if (state !== 'equal')
      throw new Error(`the audit says ${state}: ${JSON.stringify(checks.flatMap(({ findings }) => findings).slice(0, 5))}`);
    process.stdout.write(`run ${run}: ${rows} rows audited in ${(tookMs / 1000).toFixed(1)} s, ${state}\n`);
  }
} finally {
  await kafka.close();
  await database.end();
  await Promise.all([broker.stop(), server.stop()]);
}

function pipeline(): Pipeline {
  return {
    apiVersion: 'millrace.dev/v1alpha1',
    kind: 'Pipeline',
    metadata: { name: 'rows' },
    spec: {
      source: { simulator: { seed: 1, devices: 1 } },
      topics: { partitions: PARTITIONS },
      record: {
        key: 'device',
        time: { field: 'at' },
        fields: {
          device: { type: 'text', required: true },
          temperature: { type: 'float' },
          pulses: { type: 'int' },
          note: { type: 'text' },
        },
      },
      table: { name: 'rows' },
    },
  };
}

async function fill(): Promise<void> {
  const names = namesOf(pipeline());
  await setupPipeline(pipeline(), { kafka, database, log });
  const [raw, processed] = await Promise.all([kafka.topic(names.raw), kafka.topic(names.processed)]);
  if (raw === null || processed === null) throw new Error('set-up made no topics');
  const each = Math.floor(total / PARTITIONS);
  const sender = kafka.sender();
  const value = Buffer.from('{}');
  // One partition after the other: what this process sends at a time is bounded.
  for (let partition = 0; partition < PARTITIONS; partition += 1) {
    for (let sent = 0; sent < each; sent += BATCH) {
      const records = Array.from({ length: Math.min(BATCH, each - sent) }, () => ({ key: null, value, headers: {} }));
      await sender.send(names.raw, partition, records);
    }
    await count(partition);
  }
  const client = await database.connect();
  await client.query('SET statement_timeout = 0');
  const rows = PARTITIONS * (each - Math.floor(each / REFUSED_EVERY));
  const config = {
    text: `INSERT INTO "default".rows (time, device, temperature, pulses, note)
           SELECT '2026-01-01Z'::timestamptz + n * interval '1 s', 'device-' || n % 500, n / 7.0, n, 'a note of some length ' || n
             FROM generate_series(1, $1::bigint) AS n`,
    values: [rows],
    query_timeout: 1_800_000,
  };
  await client.query(config);
  client.release(true);

  /** What the processor and the sink would have left behind for this partition. */
  async function count(partition: number): Promise<void> {
    const refused = Math.floor(each / REFUSED_EVERY);
    const hours = new Map<number, { records: number; refused: number }>();
    const first = await timeOf(partition, 0);
    const timestampMs = await timeOf(partition, each - 1);
    let from = 0;
    for (let hour = epochHour(first); from < each; hour += 1) {
      const to = Math.min(each, (await kafka.offsetsAt(names.raw, (hour + 1) * HOUR_MS))[partition] ?? each);
      hours.set(hour, { records: to - from, refused: Math.max(0, Math.min(to, refused) - from) });
      from = to;
    }
    for (let sent = 0; sent < refused; sent += BATCH) {
      const refusals = [];
      for await (const record of kafka.range(names.raw, partition, sent, Math.min(sent + BATCH, refused))) {
        const origin = { topicId: raw?.id ?? '', offset: record.offset, index: 0 };
        const place = { topic: names.raw, partition, origin, rawTimestampMs: record.timestampMs };
        refusals.push(
          refusalRecord({ stage: 'validate', reason: 'range', message: 'too hot', ...place }, { key: null, value }, 1000),
        );
      }
      await sender.send(names.dlq, partition, refusals);
    }
    const sorted = [...hours].sort(([a], [b]) => a - b);
    const progress = {
      ...freshProgress(raw?.id ?? '', processed?.id ?? ''),
      ...{ timestampMs, since: 0, next: each, records: each, raw: each, rows: each - refused, refused },
      hours: sorted.map(([hour, one]): [number, number, number, number, number, number, number, number] => [
        ...([hour, 0, one.records, one.records, one.records - one.refused, one.refused, 0, 0] as const),
      ]),
    };
    await kafka.commit(names.processorGroup, names.raw, partition, { offset: each, metadata: encodeProgress(progress) });
    await database.query(
      `INSERT INTO millrace.positions (pipeline, partition, next_offset, topic_id, bookmark_ms, bookmark_origin, origins)
       VALUES ($1, $2, 0, $3, 0, 'none', $4)
       ON CONFLICT (pipeline, partition) DO UPDATE SET next_offset = 0, topic_id = EXCLUDED.topic_id, origins = EXCLUDED.origins`,
      [names.pipeline, partition, processed?.id, JSON.stringify({ [raw?.id ?? '']: [each - 1, 0, 1] })],
    );
    for (const [hour, one] of sorted)
      await database.query(
        'INSERT INTO millrace.ledger (pipeline, partition, topic_id, hour, stored) VALUES ($1, $2, $3, to_timestamp($4), $5)',
        [names.pipeline, partition, raw?.id, hour * 3600, one.records - one.refused],
      );
  }

  async function timeOf(partition: number, offset: number): Promise<number> {
    for await (const { timestampMs } of kafka.range(names.raw, partition, offset, offset + 1)) return timestampMs;
    throw new Error(`${names.raw}/${partition} has no record at offset ${offset}`);
  }
}
