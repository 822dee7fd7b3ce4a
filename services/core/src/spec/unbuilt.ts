/**
 * What the Pipeline resource has and Millrace does not do yet. It is refused by name, so that nobody waits for data that
 * never comes. What is built is taken out of this table.
 */
import type { Pipeline } from './pipeline.ts';
import type { Finding, Path } from './problem.ts';
import { valueAt } from './structure.ts';

interface Unbuilt {
  path: Path;
  /** What can be done now. */
  instead: string;
}

export const UNBUILT: readonly Unbuilt[] = [
  { path: ['spec', 'source', 'topic'], instead: 'source.http, source.mqtt, source.replay or source.simulator' },
];

/** What a Pipeline asks for that is not built yet. */
export function checkBuilt(pipeline: Pipeline): Finding[] {
  return UNBUILT.flatMap(({ path, instead }) => {
    const value = valueAt(pipeline, path);
    return value === undefined ? [] : [{ path, message: `${JSON.stringify(path.at(-1))} is not built yet`, allowed: instead }];
  });
}
