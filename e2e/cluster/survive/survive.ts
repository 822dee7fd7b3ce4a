/**
 * The platform under load while every pod is deleted, evicted and killed, all roles are rolled to another image and back, and
 * parts of Kubernetes start again: each row is stored once, and the volumes are the same.
 *
 * SEED=… gives the same order again, ROUNDS=… does it so often and takes what time it takes, FAULTS=… names those that are done (a
 * regular expression), UPGRADE_IMAGE=… is another image of the roles where the node cannot know the same one by another name.
 */
import { randomInt } from 'node:crypto';
import { pipelineObjects } from '@millrace/cdk8s/pipeline/pipeline.ts';
import { waitFor } from '@millrace/deploy/wait.ts';
import { until } from '../../faults/until.ts';
import { PROOF_NAME } from '../../proofFeed.ts';
import { checkResources } from '../resources.ts';
import { atOnce, feedOf, pipelineOf } from './feed.ts';
import { newPeak, type Peak } from './peak.ts';
import { planOf, type Step } from './plan.ts';
import { missingOf, type Workload, wantedOf } from './pods.ts';
import { faultsOf } from './table.ts';
import { LOOK_EVERY_MS, WITHIN_MS } from './times.ts';
import { expectEachRowOnce } from './verify.ts';
import { volumesOf } from './volumes.ts';
import { type World, type WorldOptions, worldOf } from './world.ts';

/** The time of `make e2e` is bounded; no fault begins after this. */
const FAULTS_MS = 240_000;

export interface SurviveOptions extends Omit<WorldOptions, 'proof'> {
  say(line: string): void;
  /** How often each fault is done; null: once, as far as there is time. */
  rounds: number | null;
  /** By their names. */
  only: RegExp;
  /** null: a random one, which is told. */
  seed: number | null;
}

/** @throws Error with what was lost, doubled, or did not come back */
export async function survive({ say, rounds, only, seed: given, ...options }: SurviveOptions): Promise<void> {
  const { kubectl, values, node, otherImage } = options;
  const seed = given ?? randomInt(2 ** 31 - 1);
  say(`faults under load: seed ${seed} (again by SEED=${seed})`);
  const feed = feedOf(rounds ?? 1);
  const proof = pipelineOf(feed);
  const world = worldOf({ ...options, proof });
  await kubectl.apply(pipelineObjects(proof, values));
  await untilReady('the load', world, async () => ((await world.written()) > 0 ? '' : 'its first rows'));

  const wanted = wantedOf(await kubectl.list<Workload>('deployments,statefulsets'));
  await untilReady('all pods before the first fault', world, async () => missingOf(await world.pods(), wanted));
  const pods = await world.pods();
  const all = faultsOf(pods, node, otherImage);
  for (const { name, lacks } of all) if (lacks !== null) say(`left out: ${name}: needs ${lacks}`);
  const steps = planOf(
    seed,
    rounds ?? 1,
    all.filter(({ lacks, name }) => lacks === null && only.test(name)),
  );
  const volumes = await volumesOf(kubectl);
  const peak = newPeak();
  const startedAt = performance.now();
  for (const step of steps) {
    if (rounds === null && performance.now() - startedAt > FAULTS_MS) {
      say(`left out for want of time (ROUNDS=1 takes it): ${step.fault.name}`);
      continue;
    }
    const done = await attack(world, step, { wanted, peak }).catch((error: Error) => {
      throw new Error(`fault ${step.nth} of seed ${seed}, ${step.fault.name}: ${error.message}`, { cause: error });
    });
    say(`${`${step.nth}/${steps.length}`.padStart(5)}  ${step.fault.name}: ${done}`);
  }
  say('all faults done; the rest of the input flows at once');
  await kubectl.apply(pipelineObjects(pipelineOf(atOnce(feed)), values));
  await expectEachRowOnce(world, proof, feed, say);
  const after = await volumesOf(kubectl);
  if (after !== volumes) throw new Error(`the volumes were\n${volumes}\nand are\n${after}`);
  say(`${volumes.split('\n').length} volumes are the same as before`);
  await checkResources(kubectl, peak, say);
  await removeLoad(kubectl);
}

/** The platform is as it was before; where something went wrong, all stays to be looked at. */
async function removeLoad(kubectl: World['kubectl']): Promise<void> {
  const kinds = 'deployments,jobs,networkpolicies,poddisruptionbudgets,configmaps,services';
  await kubectl.run('delete', kinds, `--selector=app.kubernetes.io/instance=${PROOF_NAME}`, '--timeout=100s');
}

/** Does one fault; resolves with what was done when all pods are ready again and rows flow. */
async function attack(
  world: World,
  { fault, random }: Step,
  { wanted, peak }: { wanted: ReadonlyMap<string, number>; peak: Peak },
): Promise<string> {
  const startedAt = performance.now();
  const since = (): string => `${((performance.now() - startedAt) / 1_000).toFixed(1)} s`;
  const done = await fault.happen(world, random);
  await untilReady('all pods ready again', world, async () => missingOf(await world.pods(), wanted));
  const ready = since();
  // A database that recovers is ready and does not answer yet.
  let before = Number.NaN;
  const flow = async (): Promise<boolean> => {
    const now = await world.written();
    if (Number.isNaN(before)) before = now;
    return now > before;
  };
  await until('rows flow again, of an input that has not ended', WITHIN_MS, flow, LOOK_EVERY_MS);
  await peak.look(world.kubectl);
  return `${done}; all ready after ${ready}, rows flow after ${since()}`;
}

/** Waits in silence; what is told of it is how long it took. @throws Error with the pods, their reasons and their last log lines */
async function untilReady(what: string, { kubectl }: World, missing: () => Promise<string>): Promise<void> {
  await waitFor(what, missing, { kubectl, say: () => undefined, withinMs: WITHIN_MS });
}
