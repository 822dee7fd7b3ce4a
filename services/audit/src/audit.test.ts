/** The audit in counts, against real servers and roles: what was done by hand is found with its place, nothing else is. */
import { expect, test, vi } from 'vitest';
import { audit } from './audit.ts';
import type { AuditResult } from './result.ts';
import { type Feed, processor, ROLES, sink, useServers, WAIT } from './testFeed.ts';

const stage = useServers();

const look = ({ pipeline }: Feed): Promise<AuditResult> => audit(pipeline, stage.servers);
const found = ({ checks }: AuditResult) =>
  checks.flatMap(({ name, findings }) =>
    findings.map(({ state, partition, expected, found: have }) => ({ name, state, partition, expected, found: have })),
  );

async function expectEqual(of: Feed): Promise<AuditResult> {
  const result = await look(of);
  expect(found(result)).toEqual([]);
  expect(result.state).toBe('equal');
  return result;
}

const numbers = (to: number, keep: (n: number) => boolean): number => Array.from({ length: to }, (_, n) => n).filter(keep).length;
const isRow = (n: number): boolean => n % 7 !== 0 && n % 5 !== 0 && n % 11 !== 0;

test('a feed at rest is accounted for, with what it counted', { timeout: 120_000 }, async () => {
  const of = await stage.feed('rest');
  await of.send(0, 1000);
  await of.startRoles(...ROLES);
  await of.settled();
  const result = await expectEqual(of);
  expect(result).toMatchObject({ pipeline: 'default/rest', rows: numbers(1000, isRow), inFlight: 0 });
  const { rows } = await stage.servers.database.query(
    `SELECT sum(raw_records)::int AS records, sum(raw)::int AS raw, sum(rows)::int AS rows, sum(dropped)::int AS dropped,
            sum(processor_refused)::int AS bad, sum(stored)::int AS stored, sum(refused)::int AS refused
       FROM millrace.ledger WHERE pipeline = 'default/rest'`,
  );
  const { records, raw, stored, refused, dropped, bad } = rows[0];
  expect([records, raw]).toEqual([1000, 1000]);
  expect(stored + refused + dropped + bad).toBe(1000);
  expect(refused).toBe(numbers(1000, (n) => n % 7 !== 0 && n % 5 !== 0 && n % 11 === 0));
});

test('a row that was deleted by hand, and one that was inserted twice, are found', { timeout: 120_000 }, async () => {
  const of = await stage.feed('byhand');
  await of.send(0, 200);
  await of.startRoles(...ROLES);
  await of.settled();
  await of.sql('DELETE FROM ROWS WHERE n = 1');
  const rows = numbers(200, isRow);
  expect(found(await look(of))).toEqual([
    { name: 'table', state: 'different', partition: null, expected: rows, found: rows - 1 },
  ]);
  await of.sql('INSERT INTO ROWS SELECT * FROM ROWS WHERE n IN (2, 3)');
  expect(found(await look(of))).toEqual([
    { name: 'table', state: 'different', partition: null, expected: rows, found: rows + 1 },
  ]);
});

test('a row that the ledger lacks is found in its partition and hour', { timeout: 120_000 }, async () => {
  const of = await stage.feed('ledger');
  await of.send(0, 200);
  await of.startRoles(...ROLES);
  await of.settled();
  await stage.servers.database.query(
    `UPDATE millrace.ledger SET stored = stored - 1 WHERE pipeline = 'default/ledger' AND partition = 1`,
  );
  await of.sql('DELETE FROM ROWS WHERE n = 1');
  const [difference, ...others] = (await look(of)).checks.flatMap(({ findings }) => findings);
  expect(others).toEqual([]);
  expect(difference).toMatchObject({ state: 'different', partition: 1 });
  expect((difference?.expected ?? 0) - (difference?.found ?? 0)).toBe(1);
  expect(Date.now() - Date.parse(difference?.hour ?? '')).toBeLessThan(2 * 3_600_000);
});

test('a refusal that is missing in the dead-letter topic is found', { timeout: 120_000 }, async () => {
  const of = await stage.feed('dlq');
  await of.send(0, 100);
  await of.startRoles(...ROLES);
  await of.settled();
  const { names } = of;
  // Made again without the last record of partition 1.
  const kept = await Promise.all(
    (await stage.servers.kafka.bounds(names.dlq)).map(({ end }, partition) =>
      Array.fromAsync(stage.servers.kafka.range(names.dlq, partition, 0, end - partition)),
    ),
  );
  await stage.servers.kafka.deleteTopic(names.dlq);
  await stage.servers.kafka.createTopic({ name: names.dlq, partitions: 2, config: {} });
  for (const [partition, records] of kept.entries()) {
    const again = records.map(({ key, value, headers }) => ({
      key,
      value,
      headers: Object.fromEntries(Object.entries(headers).map(([name, bytes]) => [name, bytes.toString()])),
    }));
    await stage.servers.source.send(names.dlq, partition, again);
  }
  const [missing, ...others] = found(await look(of));
  expect(others).toEqual([]);
  expect(missing).toMatchObject({ name: 'dead letters', state: 'different', partition: 1 });
  expect((missing?.expected ?? 0) - (missing?.found ?? 0)).toBe(1);
});

test('what is on its way is never called a difference', { timeout: 180_000 }, async () => {
  const of = await stage.feed('flow');
  await of.startRoles(...ROLES);
  let sending = true;
  const source = (async () => {
    for (let n = 0; n < 20_000 && sending; n += 500) await of.send(n, n + 500);
  })();
  const states: string[] = [];
  const busy: number[] = [];
  for (let looks = 0; looks < 12; looks += 1) {
    const result = await look(of);
    expect(found(result).filter(({ state }) => state === 'different')).toEqual([]);
    states.push(result.state);
    busy.push(result.inFlight ?? 0);
  }
  sending = false;
  await source;
  expect(states).toContain('equal');
  expect(Math.max(...busy), 'nothing was on its way: send faster').toBeGreaterThan(0);
  await of.settled();
  await expectEqual(of);
});

test('processed records that no sink takes are on their way, raw records that no processor takes too', {
  timeout: 120_000,
}, async () => {
  const of = await stage.feed('waiting');
  await of.send(0, 500);
  expect((await expectEqual(of)).inFlight).toBe(500);
  await of.startRoles(processor);
  const rows = numbers(500, (n) => n % 7 !== 0 && n % 5 !== 0);
  await vi.waitFor(async () => expect((await look(of)).inFlight).toBe(rows), WAIT);
  await expectEqual(of);
  await of.startRoles(sink);
  await of.settled();
  expect((await expectEqual(of)).inFlight).toBe(0);
});

test('a raw topic that was recreated counts anew', { timeout: 120_000 }, async () => {
  const of = await stage.feed('recreated');
  await of.send(0, 300);
  await of.startRoles(...ROLES);
  await of.settled();
  await expectEqual(of);
  const config = await stage.servers.kafka.topicConfig(of.names.raw);
  await stage.servers.kafka.deleteTopic(of.names.raw);
  await stage.servers.kafka.createTopic({
    name: of.names.raw,
    partitions: 2,
    config: { 'message.timestamp.type': config['message.timestamp.type'] ?? '' },
  });
  await of.send(300, 400);
  await of.settled();
  const { rows } = await expectEqual(of);
  expect(rows).toBe(numbers(400, isRow));
});

test('a processed topic that was recreated sends its rows again, and nothing is a difference', { timeout: 120_000 }, async () => {
  const of = await stage.feed('again');
  await of.send(0, 300);
  await of.startRoles(...ROLES);
  await of.settled();
  await stage.servers.kafka.deleteTopic(of.names.processed);
  await stage.servers.kafka.createTopic({ name: of.names.processed, partitions: 2, config: {} });
  await of.send(300, 400);
  await of.settled();
  const { rows } = await expectEqual(of);
  expect(rows).toBe(numbers(400, isRow));
});

test('rows that unique merged are accounted for', { timeout: 120_000 }, async () => {
  const of = await stage.feed('merged', { unique: { columns: ['device', 'time'], keep: 'last' } });
  await of.send(0, 300);
  await of.startRoles(...ROLES);
  await of.settled();
  const { rows } = await expectEqual(of);
  expect(rows).toBeLessThan(numbers(300, isRow));
  const { rows: ledger } = await stage.servers.database.query(
    `SELECT sum(merged)::int AS merged FROM millrace.ledger WHERE pipeline = 'default/merged'`,
  );
  expect(ledger[0].merged).toBe(numbers(300, isRow) - (rows ?? 0));
});

test('hours that nobody copied for two days are one sum, and a difference in it is found', { timeout: 120_000 }, async () => {
  const of = await stage.feed('days');
  await of.send(0, 300);
  await of.startRoles(...ROLES);
  await of.settled();
  await of.stopRoles();
  await expectEqual(of);
  // As if the processor had counted two days ago, and left the hour out since, before anybody copied it.
  for (const [partition, { offset, metadata }] of await stage.servers.kafka.committed(of.names.processorGroup, of.names.raw)) {
    const progress = JSON.parse(metadata);
    await stage.servers.kafka.commit(of.names.processorGroup, of.names.raw, partition, {
      offset,
      metadata: JSON.stringify({ ...progress, hours: [] }),
    });
  }
  await stage.servers.database.query(
    `UPDATE millrace.ledger SET raw_records = 0, raw = 0, rows = 0, processor_refused = 0, dropped = 0 WHERE pipeline = 'default/days'`,
  );
  await expectEqual(of);
  await stage.servers.database.query(
    `UPDATE millrace.ledger SET stored = stored - 1 WHERE pipeline = 'default/days' AND partition = 0 AND stored > 0`,
  );
  await of.sql('DELETE FROM ROWS WHERE n = 2');
  const [difference, ...others] = found(await look(of));
  expect(others).toEqual([]);
  expect(difference).toMatchObject({ name: 'sink', partition: 0 });
  expect((difference?.expected ?? 0) - (difference?.found ?? 0)).toBe(1);
});
