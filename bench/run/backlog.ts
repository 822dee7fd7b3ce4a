/**
 * A backlog that each role works off alone, one after the other, as often as asked: the same records from the same topics.
 *
 * Invariants: a run ends when as many rows are done as there are, counted in the topic or table; what was measured is thrown
 * away where they are not.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { table } from '@millrace/core/database/identifier.ts';
import { type LoadedPipeline, loadPipelines } from '@millrace/core/spec/load.ts';
import { namesOf } from '@millrace/core/spec/names.ts';
import { type Feed, pipelineYaml } from './feed.ts';
import { type RoleName, startRole } from './roleProcess.ts';
import type { Database, Servers } from './servers.ts';
import { cpuSecondsPerMillion, type Look, rowsPerSecond } from './steady.ts';
import { watch } from './watch.ts';

export interface RoleRun {
  rowsPerSecond: number;
  cpuSecondsPerMillion: number;
  peakMebibytes: number;
  looks: Look[];
}

export interface Backlog {
  pipelines: readonly LoadedPipeline[];
  /** Over all Pipelines. */
  records: number;
  /** Of the Pipelines, and of the logs of what was started; removed at the end. */
  folder: string;
  files: readonly string[];
  /** What `run` gave so far. */
  runs: Readonly<Record<RoleName, RoleRun[]>>;
  /** The role works all of it off, from the beginning, in a process of its own. The role before must have run. `look`: at its database, before that is dropped. */
  run(role: RoleName, look?: (database: Database) => Promise<void>): Promise<RoleRun>;
  /** Removes topics and files. */
  remove(): Promise<void>;
}

/** Pipelines for these feeds, with nothing in their topics yet. */
export async function makeBacklog(servers: Servers, feeds: readonly Feed[]): Promise<Backlog> {
  const { kafka, brokers } = servers;
  const folder = mkdtempSync(join(tmpdir(), 'millrace-bench-'));
  const files = feeds.map((feed) => {
    const file = join(folder, `${feed.name}.yaml`);
    writeFileSync(file, pipelineYaml(feed));
    return file;
  });
  const pipelines = await loadPipelines(files);
  const names = pipelines.map(({ pipeline }) => namesOf(pipeline));
  const runs: Record<RoleName, RoleRun[]> = { producer: [], processor: [], sink: [] };
  const records = feeds.reduce((sum, feed) => sum + feed.records, 0);
  const ends = async (topics: readonly string[]): Promise<number> => {
    const bounds = await Promise.all(topics.map((topic) => kafka.bounds(topic)));
    return bounds.flat().reduce((sum, { end }) => sum + end, 0);
  };
  const removeTopics = async (topics: readonly string[]): Promise<void> => {
    for (const topic of topics) if ((await kafka.topic(topic)) !== null) await kafka.deleteTopic(topic);
  };
  const done: Record<RoleName, (database: Database) => Promise<number>> = {
    producer: () => ends(names.map(({ raw }) => raw)),
    processor: () => ends(names.map(({ processed }) => processed)),
    sink: async ({ pool }) => Number((await pool.query('SELECT coalesce(sum(stored), 0) AS n FROM millrace.ledger')).rows[0].n),
  };

  async function run(role: RoleName, look?: (database: Database) => Promise<void>): Promise<RoleRun> {
    // A new processed topic, which set-up makes: the processor starts at the beginning of the raw one for it.
    if (role === 'processor') await removeTopics(names.map(({ processed }) => processed));
    const database = await servers.database(pipelines);
    const process = startRole(role, { brokers, databaseUrl: database.url, files, folder });
    try {
      const looks = await watch(process, records, () => done[role](database));
      const { peakMebibytes } = process.usage();
      await process.stop();
      if (role === 'sink') await mustHold(database, pipelines, records);
      await look?.(database);
      const rates = { rowsPerSecond: rowsPerSecond(looks), cpuSecondsPerMillion: cpuSecondsPerMillion(looks) };
      const result = { ...rates, peakMebibytes, looks };
      runs[role].push(result);
      return result;
    } finally {
      await process.stop();
      await database.drop();
    }
  }

  return {
    pipelines,
    records,
    folder,
    files,
    runs,
    run,
    remove: async () => {
      await removeTopics(names.flatMap(({ raw, processed, dlq }) => [raw, processed, dlq]));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Counts the rows in the tables of the Pipelines. @throws Error where they are not that many */
export async function mustHold({ pool }: Database, pipelines: readonly LoadedPipeline[], rows: number): Promise<void> {
  let found = 0;
  for (const { pipeline } of pipelines) {
    const { schema, table: name } = namesOf(pipeline);
    found += Number((await pool.query(`SELECT count(*) AS n FROM ${table(schema, name)}`)).rows[0].n);
  }
  if (found !== rows) throw new Error(`the tables hold ${found} rows of ${rows}: nothing of this run counts`);
}
