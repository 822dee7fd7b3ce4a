/** After the faults: each record of the load stored or refused once, as the laptop's proof has it (e2e/proof.ts). */
import { namesOf } from '@millrace/core/spec/names.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import { until } from '../../faults/until.ts';
import { firstDifference } from '../../observe.ts';
import { expectedOf, latestDifferenceSql, PROOF_NAME, type ProofFeed, rollupDifferenceSql, rowsSql } from '../../proofFeed.ts';
import { query } from '../rows.ts';
import { refusedRecords } from './refused.ts';
import { LOOK_EVERY_MS, WITHIN_MS } from './times.ts';
import type { World } from './world.ts';

/** Rows that come in one answer of the database. */
const ROWS_AT_ONCE = 100_000;
const CLI = ['node', '/app/millrace.js'];
const FILE = '/etc/millrace/pipeline/pipeline.yaml';

/** Waits until all is stored, then compares. @throws Error in a sentence where a row is missing, there twice or another one */
export async function expectEachRowOnce(
  world: World,
  pipeline: Pipeline,
  feed: ProofFeed,
  say: (line: string) => void,
): Promise<void> {
  const { kubectl, values } = world;
  const schema = values.namespace;
  const inSink = (...words: string[]): Promise<string> =>
    kubectl.run('exec', `deploy/${PROOF_NAME}-sink`, '--', ...CLI, ...words, FILE);
  const count = async (sql: string): Promise<number> =>
    Number(await query(kubectl, values, `select count(*) from (${sql}) as counted`));

  const { good, bad } = expectedOf(pipeline, feed.records);
  let stored = 0;
  const isStored = async (): Promise<boolean> => {
    stored = await count(`select from "${schema}".${PROOF_NAME}`);
    return stored >= good.length;
  };
  await until(`${good.length} rows are stored`, WITHIN_MS, isStored, LOOK_EVERY_MS);
  if (stored > good.length) throw new Error(`${stored} rows are stored, ${good.length} are right: some are there twice`);
  const wrong = bad.map(({ value }) => value).toSorted();
  let refused: string[] = [];
  const isRefused = async (): Promise<boolean> => {
    refused = refusedRecords(await inSink('dlq', 'list', '--json', '--lines', String(10 * bad.length)), wrong);
    return refused.length >= bad.length;
  };
  await until(`${bad.length} records are refused`, WITHIN_MS, isRefused, LOOK_EVERY_MS);
  say(`${stored} rows stored, ${refused.length} records refused`);

  const rows = await rowsOf(world, good.length);
  same('the rows of the table', rows, good);
  same('the refused records', refused, wrong);
  const { pipeline: name } = namesOf(pipeline);
  const untouched = async (): Promise<boolean> => (await count(`select from millrace.touched where pipeline = '${name}'`)) === 0;
  await until('the roll-up is refreshed', WITHIN_MS, untouched, LOOK_EVERY_MS);
  for (const [what, sql] of [
    ['buckets of the roll-up', rollupDifferenceSql(schema)],
    ['newest rows', latestDifferenceSql(schema)],
  ] as const) {
    const different = await count(sql);
    if (different > 0) throw new Error(`${different} ${what} are not as the rows are`);
  }
  say('rows, refusals, roll-up and newest rows are those of the input, each once');
  await inSink('audit');
  await inSink('audit', '--full');
  say('millrace audit agrees, in counts and record by record');
}

/** All rows, sorted; in parts, so that no answer is too large. */
async function rowsOf({ kubectl, values }: World, about: number): Promise<string[]> {
  const parts = Math.ceil(about / ROWS_AT_ONCE);
  const rows: string[] = [];
  for (let part = 0; part < parts; part += 1) {
    const sql = `${rowsSql(values.namespace)} where abs(hashtext(device)::bigint) % ${parts} = ${part}`;
    for (const row of (await query(kubectl, values, sql)).split('\n')) rows.push(row);
  }
  return rows.sort();
}

function same(what: string, found: readonly string[], wanted: readonly string[]): void {
  const difference = firstDifference(found, wanted);
  if (difference)
    throw new Error(
      `${what} differ from the input: ${found.length} there, ${wanted.length} right; sorted, number ${difference.at} is ${difference.found}, expected ${difference.expected}`,
    );
}
