/** A small Pipeline with its tables, and processed records for it: for the tests beside this file. */

import type { KafkaRecord } from '@millrace/core/kafka/kafka.ts';
import { encodeOrigin, ORIGIN_HEADER, RAW_TIMESTAMP_HEADER } from '@millrace/core/record/origin.ts';
import { encodeRow, type Row } from '@millrace/core/record/row.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import { columnsOf } from '@millrace/core/table/columns.ts';
import { modelOf } from '@millrace/setup/model.ts';
import { withSession } from '@millrace/setup/session.ts';
import { setupDatabase } from '@millrace/setup/setup.ts';
import { wantedTopics } from '@millrace/setup/topics.ts';
import type { Pool } from 'pg';

export function testPipeline(name: string, spec: Partial<Pipeline['spec']['table']> = {}): Pipeline {
  return {
    apiVersion: 'millrace.dev/v1alpha1',
    kind: 'Pipeline',
    metadata: { name },
    spec: {
      source: { simulator: { seed: 1, devices: 3 } },
      topics: { partitions: 2 },
      record: {
        key: 'device',
        time: { field: 'time' },
        fields: {
          device: { type: 'text' },
          temperature: { type: 'float', unit: '°C' },
          count: { type: 'int' },
          ok: { type: 'bool' },
        },
      },
      table: { name: name.replaceAll('-', '_'), extra: true, ...spec },
      rollups: [{ every: '1h', of: ['temperature'] }],
    },
  };
}

/** The database's part of set-up: all tables, no topics. */
export async function createTables(pool: Pool, pipeline: Pipeline): Promise<void> {
  await withSession(pool, 60_000, (session) => setupDatabase(session, modelOf(pipeline), wantedTopics(pipeline, null)));
}

export interface RecordOptions {
  offset: number;
  row: Partial<Row> | Buffer | null;
  /** Default: raw topic `raw0`, the raw offset is the processed one, index 0. */
  origin?: { topicId?: string; offset?: number; index?: number } | string;
  rawTimestampMs?: number;
}

export const START_MS = Date.UTC(2026, 0, 2, 3, 4, 5);

/** A processed record as the processor writes it. */
export function processedRecord(pipeline: Pipeline, { offset, row, origin, rawTimestampMs }: RecordOptions): KafkaRecord {
  const header =
    typeof origin === 'string'
      ? origin
      : encodeOrigin({
          topicId: origin?.topicId ?? 'raw0',
          offset: origin?.offset ?? offset,
          index: origin?.index ?? 0,
          count: 1,
        });
  const time = new Date(START_MS + offset * 1000).toISOString();
  const full = row === null || Buffer.isBuffer(row) ? row : encodeRow({ time, device: 'd1', ...row } as Row, columnsOf(pipeline));
  return {
    offset,
    timestampMs: START_MS + offset,
    key: Buffer.from('d1'),
    value: full,
    headers: {
      [ORIGIN_HEADER]: Buffer.from(header),
      [RAW_TIMESTAMP_HEADER]: Buffer.from(String(rawTimestampMs ?? START_MS + offset)),
    },
  };
}
