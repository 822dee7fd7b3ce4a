/** What becomes of records that the source cannot read, on the whole way to the table and the dead-letter topic. */
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connectDatabase } from '@millrace/core/database/connect.ts';
import { connectKafka } from '@millrace/core/kafka/connect.ts';
import { pino } from 'pino';
import { describe, expect, test } from 'vitest';
import { folder, kafka, postgres, run, SPEC, withServers } from './testSmall.ts';

const log = pino({ level: 'silent' });

withServers();

describe('what the source cannot read is one refusal, and its neighbours are rows', () => {
  const record = (id: string, second: number, more = ''): string =>
    `{"id":"${id}","at":"2024-01-01T00:00:0${second}Z","celsius":${second},"on":true${more}}`;
  const large = record('a', 2, `,"x":"${'y'.repeat(10_000_000)}"`);

  test.each([
    {
      name: 'large',
      data: 'large.ndjson',
      content: `${record('a', 1)}\n${large}\n${record('b', 3)}\n`,
      reason: 'size',
      message: `the record at byte ${record('a', 1).length + 1} of FOLDER/large.ndjson has ${large.length} bytes; allowed are at most 1048576 (spec.record.maxBytes)`,
      oversize: { length: large.length, sha256: createHash('sha256').update(large).digest('hex') },
      value: large.slice(0, 65_536),
      shown: /^original +10,000,067 bytes, of which the first 65,536 are kept; sha256 [0-9a-f]{64}$/m,
    },
    {
      name: 'broken',
      data: 'broken.csv',
      content: 'id,at,celsius,on\na,2024-01-01T00:00:01Z,1,true\na,2024-01-01T00:00:02Z\nb,2024-01-01T00:00:03Z,3,true\n',
      reason: 'parse',
      message: 'at byte 47 of FOLDER/broken.csv: the csv row has 2 values; the header names 4 columns',
      oversize: null,
      value: 'a,2024-01-01T00:00:02Z',
      shown: /^value +a,2024-01-01T00:00:02Z$/m,
    },
  ])('$data', { timeout: 120_000 }, async ({ name, data, content, reason, message, oversize, value, shown }) => {
    const spec = join(folder, `${name}.yaml`);
    writeFileSync(spec, SPEC.replaceAll('name: small', `name: ${name}`).replace('small.csv', data));
    writeFileSync(join(folder, data), content);
    expect((await run(['run', spec, '--once'])).stdout).toContain(
      `3 ${name} records accounted for: 3 read = 2 stored + 1 refused + 0 dropped\n`,
    );
    const database = connectDatabase({ url: postgres.url, applicationName: 'test', log });
    const { rows } = await database.query(`SELECT id, celsius FROM "default".${name} ORDER BY celsius`);
    await database.end();
    expect(rows).toEqual([
      { id: 'a', celsius: 1 },
      { id: 'b', celsius: 3 },
    ]);
    const client = connectKafka({ brokers: kafka.brokers, clientId: 'test', log });
    const bounds = await client.bounds(`default.${name}.dlq`);
    expect(bounds.reduce((sum, { end }) => sum + end, 0)).toBe(1);
    await client.close();
    const listed = (await run(['dlq', 'list', spec, '--json'])).stdout.trimEnd().split('\n');
    expect(listed).toHaveLength(1);
    const refusal = JSON.parse(String(listed[0])) as { id: string; oversize?: object; record: { value: string } };
    expect(refusal).toMatchObject({
      stage: 'decode',
      reason,
      message: message.replace('FOLDER', folder),
      topic: `default.${name}.raw`,
    });
    expect(refusal.oversize ?? null).toEqual(oversize);
    expect(refusal.record.value).toBe(value);
    expect((await run(['dlq', 'show', spec, refusal.id])).stdout).toMatch(shown);
  });
});
