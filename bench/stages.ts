/**
 * CPU time of each stage that a record goes through on its way from the processed topic into the table, alone and in this
 * process: microseconds per record, the least of many rounds, so that it is steady on a busy machine too.
 * docs/performance.md has what was found.
 *
 *     node bench/stages.ts [rounds, default 60]
 */
import { decodeBatches, encodeBatch } from '@millrace/core/kafka/recordBatch.ts';
import { encodeOrigin, ORIGIN_HEADER, RAW_TIMESTAMP_HEADER } from '@millrace/core/record/origin.ts';
import { encodeRow, newRow } from '@millrace/core/record/row.ts';
import { parsePipelines } from '@millrace/core/spec/load.ts';
import { columnsOf } from '@millrace/core/table/columns.ts';
import { CopyLines } from '@millrace/sink/copyLines.ts';
import { type Incoming, readIncoming, type TableRow, tableRow } from '@millrace/sink/incoming.ts';
import { latestSql, latestTableOf } from '@millrace/sink/latest.ts';
import { rowWriter } from '@millrace/sink/rowLine.ts';
import { pipelineYaml } from './run/feed.ts';

const rounds = Number(process.argv[2] ?? 60);
/** About a batch of 256 KiB. */
const RECORDS = 1_300;
const DEVICES = 166;
const START_MS = Date.UTC(2026, 0, 1);

const [loaded] = parsePipelines(pipelineYaml({ name: 'stages', records: 0, partitions: 1 }), 'stages.yaml');
if (!loaded) throw new Error('no Pipeline');
const columns = columnsOf(loaded.pipeline);
const sequence = { producerId: '1', producerEpoch: 0, first: 0 };
const latest = latestTableOf(loaded.pipeline);
const writeLine = rowWriter(columns, latest.key);

const sent = Array.from({ length: RECORDS }, (_, n) => {
  const device = `device-${n % DEVICES}`;
  const row = Object.assign(newRow(), {
    time: new Date(START_MS + n * 1_000).toISOString(),
    device,
    temperature: (n % 4_000) / 100,
    humidity: 40 + (n % 300) / 10,
    pulses: n * 3,
    open: n % 2 === 0,
    state: 'LOW',
  });
  const origin = encodeOrigin({ topicId: 'abcdefghijklmnopqrstuv', offset: 1_000_000 + n, index: 0, count: 1 });
  const headers = { [ORIGIN_HEADER]: origin, [RAW_TIMESTAMP_HEADER]: String(START_MS + n) };
  return { key: Buffer.from(device), value: encodeRow(row, columns), headers };
});
const log = Buffer.from(encodeBatch(sent, sequence, START_MS));
let records = decodeBatches(log, 0, []);
let incoming: Incoming[] = [];
let rows: TableRow[] = [];

const stages: Record<string, () => void> = {
  'encode a batch': () => void encodeBatch(sent, sequence, START_MS),
  'decode a batch': () => {
    records = decodeBatches(log, 0, []);
  },
  'origin and raw time': () => {
    incoming = records.map(readIncoming);
  },
  'JSON to COPY text': () => {
    const lines = new CopyLines();
    rows = incoming.map((one) => tableRow(one, writeLine, lines)).filter((row) => 'lines' in row);
  },
  'newest row per key': () => void latestSql(latest, rows),
};

console.log(`microseconds of CPU per record, ${RECORDS} records, least of ${rounds} rounds\n`);
for (const [name, run] of Object.entries(stages)) {
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round += 1) {
    const before = process.cpuUsage();
    for (let n = 0; n < 4; n += 1) run();
    const { user, system } = process.cpuUsage(before);
    least = Math.min(least, (user + system) / 4 / RECORDS);
  }
  console.log(`${name.padEnd(20)} ${least.toFixed(2)}`);
}
