/** `millrace init`, and what `millrace run` makes of it as it is: every row that a person would call good, with its values. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connectDatabase } from '@millrace/core/database/connect.ts';
import { loadPipelines } from '@millrace/core/spec/load.ts';
import { type EmbeddedKafka, startKafka } from '@millrace/embedded/kafka.ts';
import { type EmbeddedPostgres, startPostgres } from '@millrace/embedded/postgres.ts';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AWKWARD } from '../init/awkward.ts';
import { millrace, type Ran } from '../testing.ts';

const EXAMPLES = fileURLToPath(new URL('../../../../examples/', import.meta.url));
/** Files that others made, and how many rows they hold. */
const OTHERS: readonly (readonly [string, number])[] = [
  ['traffic/traffic_counts.csv', 5_236],
  ['environment/sensor_data.csv', 15],
  ['phone-sensors/push.json', 6],
];

let folder: string;
let kafka: EmbeddedKafka;
let postgres: EmbeddedPostgres;
let database: ReturnType<typeof connectDatabase>;
let ran: Ran;
const specs = new Map<string, string>();

async function init(file: string, zone?: string): Promise<void> {
  const spec = join(folder, `${specs.size}.yaml`);
  const written = await millrace(['init', file, '-o', spec, ...(zone === undefined ? [] : ['--zone', zone])]);
  expect([written.code, written.stderr]).toEqual([0, '']);
  specs.set(basename(file), spec);
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-init-'));
  [kafka, postgres] = await Promise.all([startKafka({ heapMegabytes: 128 }), startPostgres()]);
  mkdirSync(join(folder, 'data files'));
  for (const { file, content, zone } of AWKWARD) {
    writeFileSync(join(folder, 'data files', file), content);
    await init(join(folder, 'data files', file), zone);
  }
  for (const [file] of OTHERS) await init(join(EXAMPLES, file));
  ran = await millrace(['run', ...specs.values(), '--once', '--json', '--data', join(folder, 'data')], {
    MILLRACE_KAFKA: kafka.brokers.join(','),
    MILLRACE_DATABASE: postgres.url,
  });
  database = connectDatabase({ url: postgres.url, applicationName: 'test', log: pino({ level: 'silent' }) });
}, 900_000);

afterAll(async () => {
  await database?.end();
  await Promise.all([kafka?.stop(), postgres?.stop()]);
  rmSync(folder, { recursive: true, force: true });
}, 60_000);

interface Report {
  pipeline: string;
  totals: Record<string, number>;
  problem: string | null;
}

async function reportOf(file: string): Promise<Report & { table: string }> {
  const [loaded] = await loadPipelines(String(specs.get(file)));
  const { name } = loaded?.pipeline.metadata ?? {};
  const lines = ran.stdout.split('\n').filter((line) => line.startsWith('{') && line.includes('"unaccounted"'));
  const report = lines.map((line) => JSON.parse(line) as Report).find(({ pipeline }) => pipeline === `default/${name}`);
  if (!report) throw new Error(`no report of ${name} in\n${ran.stdout}${ran.stderr}`);
  return { ...report, table: String(loaded?.pipeline.spec.table.name) };
}

describe('run takes what init wrote, as it is', () => {
  test('all of them in one run, with every record accounted for', () => {
    expect(ran.code, ran.stderr).toBe(0);
  });

  test.each(AWKWARD)('$file: $what', async ({ file, rows, refused = 0 }) => {
    const { table, totals, problem } = await reportOf(file);
    expect({ problem, refused: totals.refused, dropped: totals.dropped, stored: totals.stored }).toEqual({
      problem: null,
      refused,
      dropped: 0,
      stored: rows.length,
    });
    const stored = await database.query(`SELECT * FROM "default"."${table}" ORDER BY 1, 2`);
    const found = stored.rows.map((row: Record<string, unknown>) => ({ ...row, time: (row.time as Date).toISOString() }));
    expect(found.map((row, at) => pick(row, Object.keys(rows[at] ?? {})))).toEqual(rows);
  });

  test.each(OTHERS)('%s: %i rows, none refused', async (file, count) => {
    const { table, totals, problem } = await reportOf(basename(file));
    expect({ problem, refused: totals.refused, stored: totals.stored }).toEqual({ problem: null, refused: 0, stored: count });
    const { rows } = await database.query(`SELECT count(*)::int AS count FROM "default"."${table}"`);
    expect(rows).toEqual([{ count }]);
  });
});

describe('the command', () => {
  const write = (name: string, text: string): string => {
    const file = join(folder, name);
    writeFileSync(file, text);
    return file;
  };

  test('prints to standard output, and never writes over a file unless told so', async () => {
    const data = write('small.csv', 'device,time\na,2024-01-01T00:00:00Z\n');
    const printed = await millrace(['init', data]);
    expect(printed.stdout).toMatch(/^# Written by `millrace init small.csv`[\s\S]*kind: Pipeline/);
    const spec = write('mine.yaml', 'mine\n');
    const refused = await millrace(['init', data, '-o', spec]);
    expect(refused).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('is there already; give another name, or --force'),
    });
    expect(readFileSync(spec, 'utf8')).toBe('mine\n');
    expect((await millrace(['init', data, '-o', spec, '--force'])).code).toBe(0);
    await expect(loadPipelines(spec)).resolves.toHaveLength(1);
  });

  test.each([
    ['no time', 'a,b\n1,2\n3,4\n', /no column tells the time.*"a", "b".*Write record\.time by hand/],
    ['days without a year', 'Date/Time,t\n 01/01  01:00:00,1\n 01/01  24:00:00,2\n', /"Date\/Time" has days without a year/],
    ['nothing', '', /is empty; allowed is a file with at least one record/],
    ['only a header', 'time,a\n', /holds no record; allowed is a csv file/],
    ['an image', '\x89PNG\0\0\xff\xfe\0', /is no text: it has bytes of 0/],
  ])('%s ends with one sentence, and nothing is written', async (_what, text, message) => {
    const data = join(folder, 'wrong.csv');
    writeFileSync(data, text, 'latin1');
    const spec = join(folder, 'wrong.yaml');
    const { code, stdout, stderr } = await millrace(['init', data, '-o', spec]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(message);
    expect(existsSync(spec)).toBe(false);
  });

  test('a zone that there is not is said before the file is read', async () => {
    const { code, stderr } = await millrace(['init', 'none.csv', '--zone', 'Mars/Olympus']);
    expect([code, stderr]).toEqual([2, expect.stringContaining('--zone is "Mars/Olympus"; allowed is an IANA zone')]);
  });
});

function pick(row: Record<string, unknown>, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(names.map((name) => [name, row[name]]));
}
