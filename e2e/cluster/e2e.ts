/**
 * `make e2e`: from an empty namespace to all rows stored, on a real Kubernetes, by the same functions as `make deploy`. Ends
 * with 1 and the pod, its reason and its last log lines where something does not come up.
 */
import { join, resolve } from 'node:path';
import { run } from '@millrace/deploy/command.ts';
import { deploy } from '@millrace/deploy/deploy.ts';
import { ourNamespace } from '@millrace/deploy/live.ts';
import { optionsFrom } from '@millrace/deploy/options.ts';
import { Refused } from '@millrace/deploy/refused.ts';
import { deployTarget, type Target, targetOf } from '@millrace/deploy/target.ts';
import { waitFor } from '@millrace/deploy/wait.ts';
import { CHECKS, LAST_CHECKS } from './checks.ts';
import { freeDefinition } from './definition.ts';
import { EXAMPLES } from './examples.ts';
import { emptyNamespace, OWN_LABEL } from './namespace.ts';
import { NotCovered } from './notCovered.ts';
import { tellUsage } from './resources.ts';
import { storedRows } from './rows.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const WITHIN_MS = 300_000;
/** Of `make deploy` with the images there: until the first row of each example. */
const FIRST_ROWS_SECONDS = 180;

const started = performance.now();
const seconds = (): string => `${((performance.now() - started) / 1_000).toFixed(1)} s`;
const say = (line: string): void => void process.stdout.write(`${seconds().padStart(8)}  ${line}\n`);

async function main(): Promise<void> {
  const given = optionsFrom(process.env);
  const tools = { run, say, root: ROOT };
  const { where } = await targetOf(given, tools);
  if (where.kind === 'other' && given.kubeconfig === null && given.context === null)
    throw new Refused([
      `the current context is ${where.context}; to test in a cluster that is no kind or minikube, name it by CONTEXT or KUBECONFIG`,
    ]);
  const options = { ...given, values: given.values ?? valuesFor(where.kind) };
  const { target, wanted } = await deployTarget(options, tools);
  const { cluster, kubectl } = target;
  const { values } = wanted;
  await cluster.ready();
  await emptyNamespace(kubectl, say);
  await freeDefinition(kubectl, wanted.cluster, say);
  if (wanted.builtHere) await cluster.bring(values.image);
  // Marked from the start, so that what ends half way can be emptied by the next run.
  const namespace = ourNamespace(values);
  const labels = { ...namespace.metadata.labels, [OWN_LABEL]: 'true' };
  await kubectl.feed(JSON.stringify({ ...namespace, metadata: { ...namespace.metadata, labels } }), 'create', '--filename=-');

  const { warnings, readySeconds, firstRowsSeconds } = await deploy(target, wanted);
  if (warnings.length > 0) throw new Error(`the API server warns: ${warnings.join('; ')}`);
  say(
    `from the empty namespace all pods were ready after ${readySeconds.toFixed(1)} s, the first row of each example was stored after ${firstRowsSeconds.toFixed(1)} s`,
  );
  for (const { name, table, rows, of, send } of EXAMPLES) {
    await send?.(kubectl, say);
    const look = async (): Promise<string> => {
      const stored = await storedRows(kubectl, values, table, of);
      if (stored > rows) throw new Error(`${name}: ${stored} rows are stored, ${rows} came in: some are there twice`);
      return stored === rows ? '' : `${name}: ${stored} of ${rows} rows stored`;
    };
    await waitFor(`the rows of ${name}`, look, { kubectl, say, withinMs: WITHIN_MS });
    say(`${name}: ${rows} of ${rows} rows stored`);
  }
  const pipelines = wanted.pipelines.map(({ pipeline }) => pipeline);
  const context = { kubectl, values, pipelines, target, wanted, options, root: ROOT };
  const notCovered: string[] = [];
  await tellUsage(kubectl, say);
  for (const { name, check } of [...CHECKS, ...LAST_CHECKS]) {
    try {
      await check(context);
      say(`ok: ${name}`);
    } catch (error) {
      if (!(error instanceof NotCovered)) throw new Error(`${name}: ${(error as Error).message}`, { cause: error });
      notCovered.push(error.message);
      say(`not covered: ${name}`);
    }
  }
  for (const what of notCovered) say(`NOT COVERED HERE: ${what}`);
  // Told last, so that a slow machine still shows all the rest.
  if (firstRowsSeconds > FIRST_ROWS_SECONDS)
    throw new Error(`the first rows took ${firstRowsSeconds.toFixed(0)} s; expected at most ${FIRST_ROWS_SECONDS} s`);
  if (notCovered.length > 0 && process.env.COVER_ALL === '1')
    throw new Error(
      `COVER_ALL=1 asks for all of it, and ${notCovered.length} ${notCovered.length === 1 ? 'check was' : 'checks were'} not covered`,
    );
}

/** What the platform is in this test: all of it where images can be pulled. */
function valuesFor(kind: Target['where']['kind']): string {
  return join(import.meta.dirname, kind === 'kubelab' ? 'values.yaml' : 'values.kind.yaml');
}

try {
  await main();
  say('passed');
} catch (error) {
  process.stderr.write(`\n${(error as Error).message}\n`);
  process.exitCode = 1;
}
