import { connectDatabase } from '@millrace/core/database/connect.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import { type EmbeddedPostgres, startPostgres } from '@millrace/embedded/postgres.ts';
import type { Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type SetupReport, setupPipeline } from './setup.ts';
import { memoryKafka, memoryLog, testPipeline } from './testing.ts';

let postgres: EmbeddedPostgres;
let pool: Pool;
beforeAll(async () => {
  postgres = await startPostgres();
  pool = connectDatabase({ url: postgres.url, applicationName: 'setup.test', log: memoryLog().log });
});
afterAll(async () => {
  await pool?.end();
  await postgres?.stop();
});

const kafka = memoryKafka();
const setup = (pipeline: Pipeline, database = pool): Promise<SetupReport> =>
  setupPipeline(pipeline, { kafka: kafka.kafka, database, log: memoryLog().log });

/** The reason and message of the refusal. */
const refusal = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'not refused',
    (error: { condition?: { reason: string }; message: string }) => `${error.condition?.reason}: ${error.message}`,
  );

async function columns(name: string): Promise<string[]> {
  const { rows } = await pool.query(
    `SELECT format('%s %s%s', attname, format_type(atttypid, atttypmod), CASE WHEN attnotnull THEN ' !' END) AS c
       FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum`,
    [name],
  );
  return rows.map(({ c }) => c);
}

/** Everything that set-up makes, to compare before and after. */
async function everything(): Promise<unknown> {
  const { rows } = await pool.query(`
    SELECT c.oid::regclass::text AS name, c.relfilenode, obj_description(c.oid) AS comment,
           array_agg(a.attname || ' ' || a.atttypid || coalesce(col_description(c.oid, a.attnum), '') ORDER BY a.attnum) AS columns
      FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid WHERE c.relnamespace::regnamespace::text IN ('"default"', 'millrace')
     GROUP BY c.oid ORDER BY 1`);
  const positions = await pool.query('SELECT * FROM millrace.positions ORDER BY pipeline, partition');
  return [rows, positions.rows, structuredClone(kafka.topics)];
}

describe('setting up a pipeline whose names are keywords', () => {
  test('makes the table, the latest rows, the roll-up, the positions and the topics', async () => {
    const pipeline = testPipeline('table', { table: { name: 'select', retain: '30d', compress: { after: '7d' }, extra: true } });
    const { log, lines } = memoryLog();
    const report = await setupPipeline(pipeline, { kafka: kafka.kafka, database: pool, log });
    const own = ['time timestamp with time zone !', 'order text !'];
    const others = ['select double precision', 'group text', 'n bigint', 'extra jsonb'];
    expect(await columns('"default"."select"')).toEqual([...own, ...others]);
    expect(await columns('"default".select_latest')).toEqual([...own, ...others]);
    expect((await columns('"default".select_1h')).slice(0, 4)).toEqual([
      'bucket timestamp with time zone !',
      'group text',
      'select_avg double precision',
      'select_min double precision',
    ]);
    const { rows } = await pool.query(`SELECT col_description('"default"."select"'::regclass, 3) AS unit`);
    expect(rows[0].unit).toBe('unit: km/h');
    const positions = await pool.query(
      `SELECT partition, version, next_offset FROM millrace.positions WHERE pipeline = 'default/table'`,
    );
    expect(positions.rows).toEqual([0, 1].map((partition) => ({ partition, version: '0', next_offset: null })));
    expect(kafka.log).toEqual(
      ['default.table.processed', 'default.table.dlq', 'default.table.raw'].map((name) => `create ${name} 2`),
    );

    expect(report.server).toBe('postgresql');
    expect(report.conditions.map(({ type, status, reason }) => [type, status, reason])).toEqual([
      ['TopicsReady', 'True', 'Ready'],
      ['SchemaReady', 'True', 'PlainTable'],
    ]);
    const said = lines.filter((line) => line.includes('the server has no TimescaleDB'));
    expect(said).toEqual([report.conditions[1]?.message]);
    expect(said[0]).toContain(
      'nothing is compressed, roll-ups are tables that the sink refreshes, old rows are deleted by the sink',
    );
  });

  test('a second time changes nothing', async () => {
    const pipeline = testPipeline('twice', { table: { name: 'twice', unique: { columns: ['order', 'time'] } } });
    await setup(pipeline);
    const before = await everything();
    expect((await setup(pipeline)).changes).toEqual([]);
    expect(await everything()).toEqual(before);
  });

  test('four at the same time make everything once', async () => {
    const pipeline = testPipeline('crowd');
    const reports = await Promise.all([1, 2, 3, 4].map(() => setup(pipeline)));
    const changes = reports.flatMap((report) => report.changes);
    expect(changes.length).toBe(new Set(changes).size);
    expect(reports.filter((report) => report.changes.length === 0)).toHaveLength(3);
  });

  test('two pipelines of a new namespace at the same time do not meet', async () => {
    const inNew = (name: string) => ({ ...testPipeline(name), metadata: { name, namespace: 'new-space' } });
    await Promise.all([setup(inNew('one')), setup(inNew('two'))]);
    expect((await columns('"new-space".one')).length).toBe((await columns('"new-space".two')).length);
  });
});

describe('a spec that changed', () => {
  const grown = testPipeline('grown');
  const { fields } = grown.spec.record;
  const withFields = (changed: typeof fields) => testPipeline('grown', { record: { ...grown.spec.record, fields: changed } });
  beforeAll(async () => {
    await setup(grown);
    await pool.query(`INSERT INTO "default".grown (time, "order", "select", n) VALUES (now(), 'a', 1, 1)`);
  });

  test('a new column is added to the table and the latest rows, also where rows are there', async () => {
    const { changes } = await setup(withFields({ ...fields, weight: { type: 'float', required: true, unit: 'kg' } }));
    expect(changes).toEqual(['added column weight to table default.grown', 'added column weight to table default.grown_latest']);
    expect(await columns('"default".grown')).toContain('weight double precision');
    await pool.query('ALTER TABLE "default".grown DROP COLUMN weight; ALTER TABLE "default".grown_latest DROP COLUMN weight');
  });

  test('another unit changes the comment', async () => {
    const { changes } = await setup(withFields({ ...fields, select: { type: 'float', unit: 'm/s' } }));
    expect(changes[0]).toBe('changed the comment of column select of table default.grown');
    await setup(grown);
  });

  test('another type is refused, with the way out, and nothing is changed', async () => {
    const before = await everything();
    const changed = withFields({ ...fields, n: { type: 'text' }, weight: { type: 'float' } });
    expect(await refusal(setup(changed))).toBe(
      'ColumnTypeChanged: The column "n" of the table default.grown is bigint, the spec asks for text. Columns that are stored keep their name and type: set spec.table.name to a new table, and backfill it',
    );
    expect(await everything()).toEqual(before);
  });

  test('a column that is gone is refused, with the way out', async () => {
    const { n: _, ...fewer } = fields;
    const changed = testPipeline('grown', { record: { ...grown.spec.record, fields: fewer }, rollups: [] });
    expect(await refusal(setup(changed))).toMatch(
      /^ColumnRemoved: The table default.grown has the column "n" \(bigint\).*new table/,
    );
  });

  test('a field that is no longer required lets NULL in', async () => {
    await setup(
      testPipeline('loose', { record: { ...grown.spec.record, fields: { ...fields, n: { type: 'int', required: true } } } }),
    );
    await expect(pool.query(`INSERT INTO "default".loose (time, "order") VALUES (now(), 'a')`)).rejects.toThrow('not-null');
    await setup(testPipeline('loose'));
    await pool.query(`INSERT INTO "default".loose (time, "order") VALUES (now(), 'a')`);
  });

  test('another key is refused', async () => {
    const changed = testPipeline('grown', { record: { ...grown.spec.record, key: 'group' } });
    expect(await refusal(setup(changed))).toMatch(/^KeyChanged: .*newest row per order, the spec asks for group/);
  });

  test('other columns of a roll-up are refused, with the way out', async () => {
    const changed = testPipeline('grown', { rollups: [{ every: '1h', by: ['order'], of: ['select'] }] });
    expect(await refusal(setup(changed))).toMatch(
      /^RollupChanged: The roll-up default.grown_1h is a table of bucket .*drop default.grown_1h yourself/,
    );
  });

  test('more partitions: positions are there before the topics grow', async () => {
    const seen: unknown[] = [];
    const watching = {
      ...kafka.kafka,
      addPartitions: async (name: string, count: number) => {
        seen.push(
          (await pool.query(`SELECT count(*)::int AS n FROM millrace.positions WHERE pipeline = 'default/grown'`)).rows[0].n,
        );
        await kafka.kafka.addPartitions(name, count);
      },
    };
    const log = memoryLog().log;
    await setupPipeline(testPipeline('grown', { topics: { partitions: 5 } }), { kafka: watching, database: pool, log });
    expect(seen).toEqual([5, 5, 5]);
    expect(await refusal(setup(grown))).toMatch(
      /^PartitionsFewer: The topic default.grown.processed has 5 partitions, 2 are asked for/,
    );
  });
});

describe('topics that somebody else makes', () => {
  const given = (partitions: number) =>
    setupPipeline(testPipeline('given', { topics: { partitions } }), {
      kafka: kafka.kafka,
      database: pool,
      log: memoryLog().log,
      topics: 'given',
    });

  test('are waited for, with positions there before them, and nothing is done to them', async () => {
    await expect(given(2)).rejects.toThrow('the topic default.given.processed is not there; the topic default.given.dlq is');
    const { rows } = await pool.query(`SELECT count(*)::int AS n FROM millrace.positions WHERE pipeline = 'default/given'`);
    expect(rows).toEqual([{ n: 2 }]);
    await setup(testPipeline('given', { topics: { partitions: 2 } }));
    const before = kafka.log.length;
    expect((await given(2)).changes).toEqual([]);
    await expect(given(3)).rejects.toThrow('the topic default.given.raw has 2 partitions, 3 are wanted');
    expect(await refusal(given(1))).toMatch(/^PartitionsFewer/);
    expect(kafka.log).toHaveLength(before);
  });
});

describe('one row per combination', () => {
  const unique = (columns: string[]) => testPipeline('uniq', { table: { name: 'uniq', unique: { columns } }, rollups: [] });
  const insert = (order: string, group: string | null) =>
    pool.query(`INSERT INTO "default".uniq (time, "order", "group", _appended_ms) VALUES ('2026-01-01Z', $1, $2, 1)`, [
      order,
      group,
    ]);

  test('two NULLs are the same; other columns make another index; none drops it', async () => {
    await setup(unique(['order', 'group', 'time']));
    await insert('a', null);
    await expect(insert('a', null)).rejects.toThrow('duplicate key');
    await insert('a', 'x');
    expect(await refusal(setup(unique(['order', 'time'])))).toMatch(
      /^RowsNotUnique: The table default.uniq holds rows that are the same in "order", "time"/,
    );
    await expect(insert('a', null)).rejects.toThrow('duplicate key');
    const without = await setup(testPipeline('uniq', { table: { name: 'uniq' }, rollups: [] }));
    expect(without.changes).toEqual([
      'column _appended_ms of table default.uniq may be NULL now',
      'dropped index uniq_unique on default.uniq',
    ]);
    await pool.query(`INSERT INTO "default".uniq (time, "order") VALUES ('2026-01-01Z', 'a'), ('2026-01-01Z', 'a')`);
  });

  test('asked for later: rows that are there give way to any that come', async () => {
    await setup(testPipeline('later', { rollups: [] }));
    await pool.query(`INSERT INTO "default".later (time, "order") VALUES ('2026-01-01Z', 'a')`);
    await setup(testPipeline('later', { table: { name: 'later', unique: { columns: ['order', 'time'] } }, rollups: [] }));
    expect((await pool.query('SELECT _appended_ms FROM "default".later')).rows).toEqual([{ _appended_ms: '0' }]);
  });

  test('the time must be among the columns', async () => {
    expect(await refusal(setup(unique(['order'])))).toMatch(/^UniqueWithoutTime: /);
  });
});

describe('a name has one owner', () => {
  test('a second claimant of a table is refused by name and changes nothing', async () => {
    await setup(testPipeline('first', { table: { name: 'shared' } }));
    const before = await everything();
    expect(await refusal(setup(testPipeline('second', { table: { name: 'shared' } })))).toBe(
      'NameConflict: The table "default.shared" belongs to the pipeline default/first, and default/second asks for it too. Choose another spec.table.name',
    );
    expect(await refusal(setup(testPipeline('second', { table: { name: 'shared_1h' } })))).toMatch(
      /^NameConflict: The table "default.shared_1h"/,
    );
    const prefixed = testPipeline('second', { topics: { partitions: 2, prefix: 'default.first' } });
    expect(await refusal(setup(prefixed))).toMatch(/^NameConflict: The topic "default.first.processed" .*spec.topics.prefix$/);
    expect(await everything()).toEqual(before);
  });

  test("a pipeline in the namespace millrace does not take Millrace's own tables", async () => {
    const pipeline = { ...testPipeline('p', { table: { name: 'positions' } }), metadata: { name: 'p', namespace: 'millrace' } };
    expect(await refusal(setup(pipeline))).toMatch(
      /^NameConflict: The table "millrace.positions" belongs to the pipeline millrace,/,
    );
    await setup({ ...testPipeline('p', { table: { name: 'rows' } }), metadata: { name: 'p', namespace: 'millrace' } });
  });

  test('a table whose name leaves no room for the others is refused', async () => {
    expect(await refusal(setup(testPipeline('long', { table: { name: 'x'.repeat(59) } })))).toMatch(
      /^NameTooLong: .*PostgreSQL allows 63/,
    );
  });
});

describe('a database that does not let us', () => {
  const asUser = async (sql: string, run: (pool: Pool) => Promise<void>): Promise<void> => {
    await pool.query(sql);
    const url = new URL(postgres.url);
    url.username = 'weak';
    url.password = 'weak';
    const weak = connectDatabase({ url: url.href, applicationName: 'weak', log: memoryLog().log });
    try {
      await run(weak);
    } finally {
      await weak.end();
    }
  };

  test('a user without rights is told what to run', async () => {
    await asUser(`CREATE ROLE weak LOGIN PASSWORD 'weak'`, async (weak) => {
      const said = await refusal(setup(testPipeline('weak'), weak));
      expect(said).toMatch(
        /^PermissionDenied: The database user "weak" may not set up default\/weak: permission denied.*GRANT CREATE ON DATABASE.* TO "weak"; and make it the owner of the schemas and tables that are there already/,
      );
    });
  });
});

test('latest rows are filled where the table had rows before', async () => {
  await setup(testPipeline('adopted'));
  await pool.query(`DROP TABLE "default".adopted_latest`);
  await pool.query(
    `INSERT INTO "default".adopted (time, "order", n) VALUES ('2026-01-01Z', 'a', 1), ('2026-01-03Z', 'a', 3), ('2026-01-02Z', 'b', 2)`,
  );
  await setup(testPipeline('adopted'));
  expect((await pool.query('SELECT "order", n FROM "default".adopted_latest ORDER BY 1')).rows).toEqual([
    { order: 'a', n: '3' },
    { order: 'b', n: '2' },
  ]);
});
