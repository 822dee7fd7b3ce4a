/** `make deploy`: the platform and Pipelines in a cluster, from whatever was there before. */
import { apply, listed } from './apply.ts';
import { CommandFailed } from './command.ts';
import { lookAt } from './live.ts';
import { operatedIn } from './operated.ts';
import { preflight } from './preflight/index.ts';
import { type Progress, progressOf } from './progress.ts';
import { importRegistry } from './registry.ts';
import type { Target } from './target.ts';
import { allReady, type Look, type Wait, waitFor } from './wait.ts';
import type { Wanted } from './wanted.ts';

/** Images may have to be pulled. */
const WITHIN_MS = 600_000;

export interface Deployed {
  /** Of the API server, about what was applied. */
  warnings: string[];
  /** By Pipeline, at its first row. */
  progress: Map<string, Progress>;
  /** From the first change in the cluster, seconds. */
  readySeconds: number;
  firstRowsSeconds: number;
}

/** @throws Refused where nothing was changed; Error with the pod, its reason and its last log lines */
export async function deploy({ cluster, kubectl, say }: Target, wanted: Wanted): Promise<Deployed> {
  const live = await lookAt(kubectl).catch((error: Error) => {
    throw new Error(`${cluster.name} does not answer: ${error.message}`, { cause: error });
  });
  const { values, pipelines } = wanted;
  const names = pipelines.map(({ pipeline }) => pipeline.metadata.name);
  const place = { missing: 'is made', ours: 'was made by a deploy', theirs: 'was there before, and stays as it is' };
  say(`in ${cluster.name}: the namespace ${values.namespace}, which ${place[live.namespace]}`);
  say(`to be there: the platform and ${names.length > 0 ? names.join(', ') : 'no Pipeline'}, with the image ${values.image}`);
  await preflight({ wanted, live, kubectl, say });
  if (wanted.builtHere) await cluster.bring(values.image);

  const started = performance.now();
  const seconds = (): number => (performance.now() - started) / 1_000;
  const { warnings, removed } = await apply(wanted, live, kubectl);
  if (removed.length > 0) say(`removed, since it is no longer wanted: ${listed(removed)}`);
  for (const warning of warnings) say(warning);
  const wait = { kubectl, say, withinMs: WITHIN_MS };
  const ready: Look = async (pods) =>
    [await operatedIn(kubectl, wanted.objects), await allReady(pods)].filter((missing) => missing !== '').join('; ');
  await waitFor('the platform and the Pipelines', ready, wait);
  const readySeconds = seconds();
  // Before rows are waited for: messages of a device that it does not know are refused.
  if (wanted.registry) say(`device registry: ${await importRegistry(wanted.registry, kubectl)}`);
  const progress = await firstRows(pipelines, wait);
  return { warnings, progress, readySeconds, firstRowsSeconds: seconds() };
}

/** Of Pipelines that bring their data along; where devices send it, nothing may come for long. */
async function firstRows(pipelines: Wanted['pipelines'], wait: Wait): Promise<Map<string, Progress>> {
  const found = new Map<string, Progress>();
  for (const { pipeline } of pipelines) {
    const { replay, simulator } = pipeline.spec.source;
    const { name } = pipeline.metadata;
    const brings = replay !== undefined || simulator !== undefined;
    const look = async (): Promise<string> => {
      try {
        const progress = await progressOf(wait.kubectl, name);
        found.set(name, progress);
        const { read, stored } = progress.totals;
        const done = stored > 0 || !brings || (read > 0 && progress.unfinished === null);
        return done ? '' : `the first row of ${name} (${read} records read)`;
      } catch (error) {
        if (!(error instanceof CommandFailed)) throw error;
        return `the first row of ${name}: ${error.stderr.trim().split('\n').at(-1)}`;
      }
    };
    await waitFor(`the first row of ${name}`, look, wait);
  }
  return found;
}
