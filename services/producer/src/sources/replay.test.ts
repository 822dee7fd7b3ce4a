/** What comes of files in a real Kafka, and what is said of those that are wrong. */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { decodeUnreadable } from '@millrace/core/record/raw.ts';
import { parse } from 'csv-parse/sync';
import { describe, expect, test } from 'vitest';
import { untilState, valuesInOrder } from '../testing/pipeline.ts';
import { expectOnce, folder, metrics, prepare, raw, rows, start, warnings, withKafka, write } from '../testing/replaying.ts';

const TRAFFIC = fileURLToPath(new URL('../../../../examples/traffic/traffic_counts.csv', import.meta.url));

withKafka();

test('the 5,236 detectors of Austin: every row, all values as they stand there, each device in one partition', async () => {
  const record = { key: 'detector_id', time: { field: 'modified_date', format: 'yyyy MMM dd hh:mm:ss a' } };
  const fields = { detector_id: { type: 'text', strip: ',' } };
  const pipeline = await prepare({ replay: { path: TRAFFIC } }, { record: { ...record, fields } });
  const worker = await start(pipeline);
  expect(await untilState(worker, 'completed')).toBe('completed: 5236 records');
  expect(worker.health().ready).toBe(true);
  const logs = await raw(pipeline);
  expectOnce(logs, 5236);
  const expected = parse(readFileSync(TRAFFIC), { columns: true, bom: true });
  expect(valuesInOrder(logs).map((value) => JSON.parse(value))).toEqual(expected);
  expect(logs[0]?.[0]?.headers.source?.toString()).toBe('replay');
  const keys = logs.map((log) => new Set(log.map(({ key }) => key?.toString())));
  expect([...(keys[0] as Set<string>)].filter((key) => keys[1]?.has(key) || key.includes(','))).toEqual([]);
  expect(await metrics.getSingleMetricAsString('millrace_producer_records_total')).toContain(
    '{pipeline="default/test-1",source="replay"} 5236',
  );
});

test('numbers of a json array keep every digit', async () => {
  const elements = ['{"device":"a","t":1716760513715797500,"x":1.10}', '{"device":12345678901234567890,"x":1e400}'];
  const pipeline = await prepare({ replay: { path: write('digits.json', `[${elements.join(',\n')}]`) } });
  await untilState(await start(pipeline), 'completed');
  const logs = await raw(pipeline);
  expect(valuesInOrder(logs)).toEqual(elements);
  expect(
    logs
      .flat()
      .map(({ key }) => key?.toString())
      .toSorted(),
  ).toEqual(['12345678901234567890', 'a']);
});

test('a glob is read in the order of the names, csv and json side by side', async () => {
  mkdirSync(join(folder, 'many'));
  write('many/b.json', '[{"device":"b"}]');
  write('many/c.ndjson.gz', gzipSync('{"device":"c"}\n'));
  write('many/a.csv', 'device\na\n');
  const pipeline = await prepare({ replay: { path: 'many/*' } });
  expect(await untilState(await start(pipeline), 'completed')).toBe('completed: 3 records');
  expect(valuesInOrder(await raw(pipeline))).toEqual(['{"device":"a"}', '{"device":"b"}', '{"device":"c"}']);
});

test('a record that is too large is sent in its place: the beginning, with place, length and hash of the whole', async () => {
  const large = `{"device":"a","x":"${'y'.repeat(100_000)}"}`;
  const pipeline = await prepare(
    { replay: { path: write('large.ndjson', `{"device":"a"}\n${large}\n{"device":"b"}\n`) } },
    { record: { maxBytes: 2048 } },
  );
  expect(await untilState(await start(pipeline), 'completed')).toBe('completed: 3 records');
  const logs = await raw(pipeline);
  expectOnce(logs, 3);
  expect(valuesInOrder(logs)).toEqual(['{"device":"a"}', large.slice(0, 2048), '{"device":"b"}']);
  expect(
    logs
      .flat()
      .map(({ headers }) => decodeUnreadable(headers))
      .filter((unreadable) => unreadable !== null),
  ).toEqual([
    {
      message: expect.stringMatching(
        /^the record at byte 15 of .*large\.ndjson has 100021 bytes; allowed are at most 2048 \(spec\.record\.maxBytes\)$/,
      ),
      oversize: { length: large.length, sha256: createHash('sha256').update(large).digest('hex') },
    },
  ]);
  const counted = await Promise.all(
    ['records', 'unreadable'].map((name) => metrics.getSingleMetric(`millrace_producer_${name}_total`)?.get()),
  );
  expect(counted.map((metric) => metric?.values.map(({ value }) => value))).toEqual([[3], [1]]);
});

test('a broken csv row goes on as it stands, with place and reason', async () => {
  const pipeline = await prepare({ replay: { path: write('broken.csv', 'device,value\na,1\nb\nc,3\n') } });
  await untilState(await start(pipeline), 'completed');
  const logs = await raw(pipeline);
  expect(valuesInOrder(logs)[1]).toBe('b');
  const broken = logs.flat().find(({ value }) => value?.toString() === 'b');
  expect(decodeUnreadable(broken?.headers ?? {})).toEqual({
    message: expect.stringMatching(/^at byte 17 of .*broken\.csv: the csv row has 1 values; the header names 2 columns$/),
  });
});

test('loop begins again at the end, over all files', async () => {
  const pipeline = await prepare({ replay: { path: write('loop.ndjson', rows(3)), loop: true, limit: 8 } });
  expect(await untilState(await start(pipeline), 'completed')).toBe('completed: 8 records');
  expect(valuesInOrder(await raw(pipeline)).map((value) => JSON.parse(value).value)).toEqual([0, 1, 2, 0, 1, 2, 0, 1]);
});

test('times older than the table keeps are warned about before the start', async () => {
  const path = write('old.ndjson', '{"device":"a","at":"2001-01-01T00:00:00Z"}\n');
  const worker = await start(await prepare({ replay: { path } }, { table: { retain: '1y' } }));
  await untilState(worker, 'completed');
  expect(warnings()).toEqual([
    'the first record is of 2001-01-01T00:00:00Z, older than table.retain (1y): such rows are removed from the table',
  ]);
});

describe('wrong input is a clear error', () => {
  test.each<[string, string, string | Buffer | null, RegExp]>([
    ['no file', 'nowhere.csv', null, /there is no file .*nowhere\.csv; allowed is a file, a glob or an http\(s\) URL/],
    ['no match', 'nowhere/*.csv', null, /no file matches nowhere\/\*\.csv in /],
    ['a folder', '.', null, /is a folder; allowed is a file, a glob/],
    [
      'a name without format',
      'data.txt',
      'x',
      /data\.txt does not tell its format; allowed are \.csv, \.json, \.ndjson and \.jsonl/,
    ],
    [
      'a picture',
      'picture.csv',
      Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 0, 0, 13]),
      /picture\.csv is no text file: byte 4 is NUL; allowed is UTF-8 text/,
    ],
    ['UTF-16', 'utf16.csv', Buffer.from('\ufeffa,b\n', 'utf16le'), /utf16\.csv is UTF-16 text/],
    ['gzip by another name', 'zipped.csv', gzipSync('a,b\n'), /zipped\.csv is gzip .* with a name that ends in \.gz/],
    ['no gzip', 'plain.csv.gz', 'a,b\n1,2\n', /plain\.csv\.gz is no whole gzip file: incorrect header check/],
    ['a cut array', 'cut.json', '[{"a":1},{"a"', /cut\.json ends within the record that began at byte 9/],
    ['a silent server', 'http://127.0.0.1:1/x.csv', null, /http:\/\/127\.0\.0\.1:1\/x\.csv cannot be read/],
  ])('%s', async (_name, path, content, message) => {
    if (content !== null) write(path, content);
    const worker = await start(await prepare({ replay: { path } }));
    expect((await worker.failed).message).toMatch(message);
    expect(worker.health().ready).toBe(false);
  });

  test.each([
    ['empty.csv', ''],
    ['header.csv', 'device,value\n'],
    ['empty.json', '[]'],
    ['empty.ndjson', '\n'],
    ['empty.csv.gz', gzipSync('')],
  ])('%s has no record: completed, with a warning', async (path, content) => {
    write(path, content);
    const worker = await start(await prepare({ replay: { path, loop: true } }));
    expect(await untilState(worker, 'completed')).toBe('completed: 0 records');
    expect(warnings()).toEqual(['the input holds no record']);
  });
});
