/** The Pipelines that a command is about. */
import { existsSync } from 'node:fs';
import { type LoadedPipeline, loadPipelines } from '@millrace/core/spec/load.ts';
import { namesOf } from '@millrace/core/spec/names.ts';
import { readState } from './run/state.ts';
import { UsageError } from './usage.ts';

/** The given files' Pipelines; without files those of the run that lives in the data folder. @throws also SpecError */
export async function loadGivenOrRunning(files: readonly string[], dataFolder: string): Promise<LoadedPipeline[]> {
  if (files.length > 0) return loadPipelines(files);
  const state = readState(dataFolder);
  if (!state) throw new UsageError(`name a Pipeline file: no \`millrace run\` is running in ${dataFolder}`);
  return loadPipelines(state.files);
}

/** The one Pipeline of a file. @throws UsageError where it holds several; SpecError */
export async function loadOne(file: string): Promise<LoadedPipeline> {
  return theOne(await loadPipelines(file), (many) => `${file} holds ${many} Pipelines; allowed here is one`);
}

/**
 * The one Pipeline that a word means: a file that holds one, or the name (`traffic`, `plant/traffic`) of one that is running.
 * @throws UsageError that says which there are; also SpecError
 */
export async function findPipeline(word: string, dataFolder: string): Promise<LoadedPipeline> {
  if (existsSync(word)) return loadOne(word);
  const state = readState(dataFolder);
  if (!state)
    throw new UsageError(
      `there is no file ${word}, and no \`millrace run\` is running in ${dataFolder} where a name could be looked up`,
    );
  const loaded = await loadPipelines(state.files);
  const names = loaded.map(({ pipeline }) => namesOf(pipeline).pipeline).join(', ');
  return theOne(
    loaded.filter(({ pipeline }) => [pipeline.metadata.name, namesOf(pipeline).pipeline].includes(word)),
    (many) => `${JSON.stringify(word)} is no file and means ${many} of the running Pipelines; they are ${names}`,
  );
}

function theOne(found: readonly LoadedPipeline[], complaint: (many: number) => string): LoadedPipeline {
  const [first] = found;
  if (!first || found.length !== 1) throw new UsageError(complaint(found.length));
  return first;
}
