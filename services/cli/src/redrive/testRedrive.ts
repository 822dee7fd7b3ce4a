/** For tests of the redrive: servers for a file of tests, and for each test a feed whose refusals are redriven. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Kafka } from '@millrace/core/kafka/kafka.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import { afterAll, afterEach, beforeAll } from 'vitest';
import { type Refused, readRefusals } from '../records/refusals.ts';
import { millrace, type Ran } from '../testing.ts';
import type { RedriveCounts } from './counts.ts';
import { redrive } from './redrive.ts';
import { type Selection, selector } from './select.ts';
import { pipelineOf, startServers, TestFeed, type TestServers } from './testFeed.ts';

const ALL: Selection = { ids: [], reasons: [], stages: [] };

export const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

export interface RedriveStage {
  readonly servers: TestServers;
  /** A feed whose roles end with its test. */
  feed(name: string): TestFeed;
  /** A Pipeline whose strict rules have refused what is given, and whose roles run under the corrected ones. */
  corrected(
    name: string,
    values: readonly (object | Buffer)[],
    change?: (pipeline: Pipeline) => Pipeline,
  ): Promise<{ feed: TestFeed; pipeline: Pipeline }>;
  /** Redrives in this process. */
  sent(pipeline: Pipeline, selection?: Partial<Selection>, through?: Kafka, send?: boolean): Promise<RedriveCounts>;
  /** A Pipeline file for the command. JSON is YAML. */
  fileOf(pipeline: Pipeline): string;
  /** Words of a command, with a data folder in which nothing runs. */
  words(...words: string[]): string[];
  run(words: readonly string[]): Promise<Ran>;
  refusals(feed: TestFeed): Promise<Refused[]>;
}

export function useServers(): RedriveStage {
  let servers: TestServers | undefined;
  let folder = '';
  let feed: TestFeed | undefined;
  const started = (): TestServers => {
    if (!servers) throw new Error('the servers start before the first test');
    return servers;
  };
  beforeAll(async () => {
    servers = await startServers();
    folder = mkdtempSync(join(tmpdir(), 'millrace-redrive-'));
  }, 120_000);
  afterEach(async () => {
    await feed?.stop();
    feed = undefined;
  });
  afterAll(async () => {
    await servers?.stop();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  const stage: RedriveStage = {
    get servers() {
      return started();
    },
    feed: (name) => {
      feed = new TestFeed(started(), name);
      return feed;
    },
    corrected: async (name, values, change = (pipeline) => pipeline) => {
      const made = stage.feed(name);
      await made.start(pipelineOf(name));
      await made.append(values);
      await made.settled();
      const pipeline = change(pipelineOf(name, 1_000));
      await made.start(pipeline);
      return { feed: made, pipeline };
    },
    sent: async (pipeline, selection = {}, through = started().kafka, send = true) => {
      const { isSelected } = selector({ ...ALL, ...selection });
      const signal = new AbortController().signal;
      const options = { isSelected, send, signal, progress: () => {} };
      return (await redrive(pipeline, { kafka: through, database: started().database }, options)).counts;
    },
    fileOf: (pipeline) => {
      const file = join(folder, `${pipeline.metadata.name}.yaml`);
      writeFileSync(file, JSON.stringify(pipeline));
      return file;
    },
    words: (...words) => [...words, '--data', join(folder, 'none')],
    run: (words) => millrace(stage.words(...words), started().env),
    refusals: async ({ names }) => Array.fromAsync((await readRefusals(started().kafka, names.dlq)).refused),
  };
  return stage;
}
