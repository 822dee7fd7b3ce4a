/** Mistakes on the command line and in files: one clear sentence, exit code 2, no stack trace. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { claim } from '@millrace/embedded/claim.ts';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { main } from './program.ts';
import type { Ran } from './testing.ts';

/** In this process: the command's imports take longer than the command. */
async function millrace(words: readonly string[]): Promise<Ran> {
  const [stdout, stderr] = [process.stdout, process.stderr].map((stream) => vi.spyOn(stream, 'write').mockReturnValue(true));
  const written = (spy: typeof stdout): string => spy?.mock.calls.map(([text]) => String(text)).join('') ?? '';
  try {
    const code = await main(words);
    return { code, stdout: written(stdout), stderr: written(stderr) };
  } finally {
    vi.restoreAllMocks();
  }
}

let folder: string;
let good: string;
let loops: string;

const SPEC = (source: string) => `
apiVersion: millrace.dev/v1alpha1
kind: Pipeline
metadata: { name: p }
spec:
  source: { ${source} }
  record: { key: id, time: { field: at }, fields: { id: { type: text, required: true }, value: { type: float, max: 10 } } }
  table: { name: p }
`;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-words-'));
  good = join(folder, 'good.yaml');
  loops = join(folder, 'loops.yaml');
  writeFileSync(good, SPEC('replay: { path: data.csv }'));
  writeFileSync(loops, SPEC('replay: { path: data.csv, loop: true }'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const cases: [string, () => string[], RegExp, number][] = [
  ['no such command', () => ['rum'], /unknown command 'rum'[\s\S]*millrace --help/, 2],
  ['no file', () => ['run'], /missing required argument 'file'/, 2],
  ['a file that is not there', () => ['run', 'nowhere.yaml'], /nowhere\.yaml.*cannot be read[\s\S]*no such file/, 2],
  ['a pace that is none', () => ['run', good, '--pace', 'fast'], /--pace is "fast"; allowed are unlimited, .*1s.*60x/, 2],
  ['a limit that is none', () => ['run', good, '--limit', 'many'], /Allowed is a whole number from 0/, 2],
  [
    '--once of what never ends',
    () => ['run', loops, '--once'],
    /--once would never end for default\/p: source\.replay\.loop is true/,
    2,
  ],
  ['a bootstrap without its plan', () => ['bootstrap'], /^\{"level":"fatal".*"role":"bootstrap".*--plan/, 2],
  [
    'a role without Kafka',
    () => ['run', good, '--role', 'sink'],
    /"level":"fatal".*"role":"sink".*--role sink needs --kafka \(or MILLRACE_KAFKA\)/,
    2,
  ],
  ['a Kafka without a port', () => ['status', good, '--kafka', 'localhost'], /"localhost"; allowed is host:port/, 2],
  ['a database that is no URL', () => ['status', good, '--kafka', 'a:1', '--database', 'db'], /allowed is postgres:\/\//, 2],
  [
    'no servers anywhere',
    () => ['status', good, '--data', folder],
    /no Kafka and no database is given, and no `millrace run`/,
    2,
  ],
  ['a name that is nowhere', () => ['tail', 'raw', 'traffic', '--data', folder], /no file traffic, and no `millrace run`/, 2],
  [
    'a role with an unknown option',
    () => ['run', '--role=sink', good, '--prot', '1'],
    /^\{"level":"fatal".*unknown option '--prot'/,
    2,
  ],
  ['a role of a file that is not there', () => ['run', '--role', 'sink', 'nowhere.yaml'], /^\{"level":"fatal".*nowhere\.yaml/, 2],
  ['a port that is none', () => ['run', good, '--role', 'sink', '--port', '65536'], /0 \(any free one\) to 65535/, 2],
  ['a pod that has no number', () => ['run', good, '--pod', 'doors-producer'], /of a StatefulSet, such as doors-producer-0/, 2],
  ['a host without a role', () => ['run', good, '--host', '0.0.0.0'], /--host and --port are of one role/, 2],
  ['a login without a password', () => ['status', good, '--kafka', 'a:1', '--kafka-user', 'u'], /MILLRACE_KAFKA_PASSWORD/, 2],
];
test.each(cases)('%s', async (_, words, expected, code) => {
  const ran = await millrace(words());
  expect(ran.stderr).toMatch(expected);
  expect(ran.stderr).not.toMatch(/ at .*\.ts:\d+/);
  expect([ran.code, ran.stdout]).toEqual([code, '']);
});

test('servers that do not answer are named within seconds, the password is not', async () => {
  const database = 'postgres://someone:secret@127.0.0.1:1/db';
  const kafka = await millrace(['status', good, '--kafka', '127.0.0.1:1', '--database', database]);
  expect(kafka.stderr).toMatch(/^millrace: Kafka at 127\.0\.0\.1:1 /);
  expect([kafka.code, kafka.stdout]).toEqual([1, '']);
  expect(kafka.stderr).not.toContain('secret');
});

test('--debug shows where an error came from', async () => {
  const ran = await millrace(['--debug', 'status', good, '--kafka', 'localhost']);
  expect(ran.stderr).toMatch(/ at .*servers\.ts:\d+/);
});

test('validate says that a good file is good', async () => {
  const ran = await millrace(['validate', good]);
  expect([ran.code, ran.stdout, ran.stderr]).toEqual([0, `${good}: default/p is valid\n`, '']);
});

test('validate --json gives the problems of a bad file to programs', async () => {
  const bad = join(folder, 'bad.yaml');
  writeFileSync(bad, SPEC('replay: { pat: data.csv }'));
  const ran = await millrace(['validate', bad, '--json']);
  const { valid, problems } = JSON.parse(ran.stdout) as { valid: boolean; problems: { path: string; line: number }[] };
  expect([ran.code, valid, ran.stderr]).toEqual([2, false, '']);
  expect(problems.map(({ line }) => line)).toContain(6);
});

test('a data folder that another run uses is refused before anything is started', async () => {
  const data = join(folder, 'busy');
  mkdirSync(join(data, 'logs'), { recursive: true });
  const release = await claim(join(data, 'run.lock'));
  if (typeof release !== 'function') throw new Error('the lock of a new folder is held');
  const ran = await millrace(['run', good, '--data', data]);
  release();
  expect(ran.stderr).toMatch(
    new RegExp(`busy is in use by another .millrace run. \\(process ${process.pid}\\): stop that one, or give another`),
  );
  expect(ran.code).toBe(1);
  expect(readdirSync(data)).toEqual(['logs']);
});

test('validate --sample shows rows, refusals and drops of a file, and reads on after a broken line', async () => {
  const sample = join(folder, 'sample.csv');
  writeFileSync(
    sample,
    'id,at,value,colour\na,2024-01-01T00:00:00Z,1,red\nb,2024-01-01T00:00:01Z,11,red\nc,2024,1\nd,never,2,\ne,2024-01-01T00:00:02Z,,red\n',
  );
  const ran = await millrace(['validate', good, '--sample', sample]);
  expect(ran.stderr).toBe('');
  expect(ran.stdout).toMatch(/\n2024-01-01T00:00:00Z +a +1\n/);
  expect(ran.stdout).toMatch(/record 2 is refused \(validate, \w+\): .*value.*"11"/);
  expect(ran.stdout).toMatch(
    /record 3 is refused \(decode, parse\): at byte 78 of .*sample\.csv: the csv row has 3 values; the header names 4 columns\n/,
  );
  expect(ran.stdout).toMatch(/record 4 is refused \(validate, time\): .*"never"/);
  expect(ran.stdout).toMatch(/\n5 records: 2 rows, 3 refused, 0 dropped; \d+ values of fields that no rule names/);
  const lines = (await millrace(['validate', good, '--sample', sample, '--json'])).stdout.trimEnd().split('\n');
  expect(lines.map((line) => (JSON.parse(line) as { kind?: string }).kind)).toEqual([
    undefined,
    'row',
    'refused',
    'refused',
    'refused',
    'row',
    undefined,
  ]);
});

test('validate --sample names columns that stay empty: a typo in `from` would give NULLs in silence', async () => {
  const sample = join(folder, 'typo.csv');
  writeFileSync(sample, 'id,at,valeu\na,2024-01-01T00:00:00Z,1\nb,2024-01-01T00:00:01Z,2\n');
  const { stdout } = await millrace(['validate', good, '--sample', sample]);
  expect(stdout).toMatch(/2 values of fields that no rule names.*\nno row has a value for value: is "from" the name/);
});

test('run --once without its input says so before a server is started', async () => {
  const ran = await millrace(['run', good, '--once', '--data', join(folder, 'data')]);
  expect([ran.code, ran.stdout]).toEqual([1, '']);
  expect(ran.stderr).toMatch(/^millrace: source\.replay\.path: there is no file \S+data\.csv; allowed is/);
});

test('validate --sample of a file that is not there', async () => {
  const ran = await millrace(['validate', good, '--sample', join(folder, 'nowhere.csv')]);
  expect([ran.code, ran.stderr]).toEqual([1, expect.stringMatching(/no file .*nowhere\.csv/)]);
  expect((await millrace(['validate', good, loops, '--sample', 'x.csv'])).code).toBe(2);
});
