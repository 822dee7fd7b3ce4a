/**
 * The device registry: its files are taken over by `millrace registry import` in the pod of a sink, whose role may write these tables, so
 * that nobody else is given a way to the database for it.
 */
import type { LoadedPipeline } from '@millrace/core/spec/load.ts';
import { problemText } from '@millrace/core/spec/problem.ts';
import { type RawEntry, readFiles } from '@millrace/registry/files.ts';
import { needsRegistry } from '@millrace/registry/registry.ts';
import type { Kubectl } from './kubectl.ts';
import { Refused } from './refused.ts';

export interface RegistryFiles {
  paths: readonly string[];
  /** All of them as one, which is YAML, too. */
  text: string;
  /** In whose sink it is taken over. */
  pipeline: string;
}

/** @throws Refused for what is no registry, and where no Pipeline asks for one */
export async function registryFiles(paths: readonly string[], pipelines: readonly LoadedPipeline[]): Promise<RegistryFiles> {
  const [asks] = pipelines.filter(({ pipeline }) => needsRegistry(pipeline));
  if (!asks)
    throw new Refused([
      `REGISTRY is ${paths.join(' ')}, and no Pipeline asks for a device registry; allowed is one with record.decode: frame among PIPELINES, or no REGISTRY`,
    ]);
  const { entries, problems } = await readFiles(paths);
  if (problems.length > 0) throw new Refused(problems.map(problemText));
  return { paths, text: textOf(entries), pipeline: asks.pipeline.metadata.name };
}

/** Pure. */
export function textOf(entries: readonly RawEntry[]): string {
  const lists: Record<string, object[]> = {};
  for (const { table, values } of entries) lists[table] = [...(lists[table] ?? []), values];
  return JSON.stringify(lists);
}

/** What is there already stays as it is. @returns what was changed, for people @throws CommandFailed with what is wrong */
export async function importRegistry({ text, pipeline }: RegistryFiles, kubectl: Kubectl): Promise<string> {
  const words = ['node', '/app/millrace.js', 'registry', 'import', '-'];
  const said = await kubectl.feed(text, 'exec', '--stdin', `deploy/${pipeline}-sink`, '--', ...words);
  return said.trim().split('\n').join('; ');
}
