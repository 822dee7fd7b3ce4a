/**
 * `make e2e`: from an empty namespace to all rows stored, on a real Kubernetes. Ends with 1 and the pod, its reason and its
 * last log lines where something does not come up.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseValues } from '@millrace/cdk8s/platform/loadValues.ts';
import { loadPipelines } from '@millrace/core/spec/load.ts';
import { applyPipeline, applyPlatform, fileConfigMap } from '@millrace/deploy/apply.ts';
import { type Kubectl, kubectlOf } from '@millrace/deploy/kubectl.ts';
import { kubelabIn } from '@millrace/deploy/kubelab.ts';
import { usageOf } from '@millrace/deploy/usage.ts';
import { allReady, waitFor } from '@millrace/deploy/wait.ts';
import { CHECKS } from './checks.ts';
import { EXAMPLES } from './examples.ts';
import { storedRows } from './rows.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const VALUES = join(import.meta.dirname, 'values.yaml');
const WITHIN_MS = 300_000;
/** On a namespace that this test made, and therefore may delete. */
const OWN_LABEL = 'millrace.dev/e2e';

const started = performance.now();
const seconds = (): string => `${((performance.now() - started) / 1_000).toFixed(1)} s`;
const say = (line: string): void => void process.stdout.write(`${seconds().padStart(8)}  ${line}\n`);

async function main(): Promise<void> {
  const values = { ...parseValues(readFileSync(VALUES), VALUES), image: imageName() };
  const kubectl = await cluster(values.namespace, values.image);
  await empty(kubectl);

  const from = performance.now();
  const since = (): string => `${((performance.now() - from) / 1_000).toFixed(1)} s after the empty cluster`;
  const wait = { kubectl, say, withinMs: WITHIN_MS };
  const warnings = await applyPlatform(values, kubectl);
  await kubectl.run('label', 'namespace', kubectl.namespace, `${OWN_LABEL}=true`, '--overwrite');
  const pipelines = await loadPipelines(EXAMPLES.map(({ name }) => join(ROOT, 'examples', name, 'pipeline.yaml')));
  for (const [index, { name, file }] of EXAMPLES.entries()) {
    const pipeline = pipelines[index]?.pipeline;
    if (!pipeline) throw new Error(`examples/${name} holds no Pipeline`);
    const content = readFileSync(join(ROOT, 'examples', name, file), 'utf8');
    warnings.push(...(await kubectl.apply([fileConfigMap(`${name}-data`, file, content)])));
    warnings.push(...(await applyPipeline(pipeline, values, kubectl)));
  }
  if (warnings.length > 0) throw new Error(`the API server warns: ${warnings.join('; ')}`);
  await waitFor('the platform and the examples', allReady, wait);
  say(`all pods ready, ${since()}`);
  for (const { name, table, rows } of EXAMPLES) {
    const look = async (): Promise<string> => {
      const stored = await storedRows(kubectl, values, table);
      if (stored > rows) throw new Error(`${name}: ${stored} rows are stored, ${rows} came in: some are there twice`);
      return stored === rows ? '' : `${name}: ${stored} of ${rows} rows stored`;
    };
    await waitFor(`the rows of ${name}`, look, wait);
    say(`${name}: ${rows} of ${rows} rows stored, ${since()}`);
  }
  for (const { name, check } of CHECKS) {
    await check({ kubectl, values, pipelines: pipelines.map(({ pipeline }) => pipeline) });
    say(`ok: ${name}`);
  }
  await tellUsage(kubectl);
  say(
    'not covered here: Grafana; TimescaleDB (a plain PostgreSQL stands in); Prometheus by the Kubernetes API; enforced NetworkPolicies',
  );
}

/** The cluster with its image: that of KUBECONFIG, whose images are its owner's business, or kubelab. */
async function cluster(namespace: string, image: string): Promise<Kubectl> {
  const folder = [process.env.KUBELAB, join(ROOT, '../shared/kubelab'), join(ROOT, '../../shared/kubelab')].find(
    (one) => one !== undefined && existsSync(join(one, 'kubelab')),
  );
  if (process.env.KUBECONFIG || folder === undefined) {
    if (!process.env.KUBECONFIG) throw new Error('there is no cluster: set KUBECONFIG, or KUBELAB to the folder of kubelab');
    say(`the cluster of KUBECONFIG; it must have the image ${image}, or be able to pull it`);
    return kubectlOf(['kubectl'], process.env, namespace);
  }
  const lab = kubelabIn(folder, say);
  await lab.start();
  await lab.image(image, ROOT, { REVISION: git('rev-parse', 'HEAD') });
  return kubectlOf(lab.kubectl, process.env, namespace);
}

/** Of these very sources: another state of them has another tag, so that pods never run what was there before. */
function imageName(): string {
  if (process.env.IMAGE) return process.env.IMAGE;
  const changes = git('diff', 'HEAD', '--', 'services', 'package-lock.json', 'Dockerfile');
  const suffix = changes === '' ? '' : `-${createHash('sha256').update(changes).digest('hex').slice(0, 8)}`;
  return `localhost/millrace/millrace:${git('rev-parse', '--short=12', 'HEAD')}${suffix}`;
}

function git(...words: string[]): string {
  return execFileSync('git', words, { cwd: ROOT, encoding: 'utf8', maxBuffer: 2 ** 28 }).trim();
}

/** What a former run left is gone, volumes too, so that all is shown from nothing. @throws Error where the namespace is somebody's */
async function empty(kubectl: Kubectl): Promise<void> {
  const label = OWN_LABEL.replaceAll('.', '\\.');
  const found = await kubectl.run(
    'get',
    'namespace',
    kubectl.namespace,
    '--ignore-not-found',
    `--output=jsonpath={.metadata.name}={.metadata.labels.${label}}`,
  );
  if (found !== '' && found !== `${kubectl.namespace}=true`)
    throw new Error(
      `the namespace ${kubectl.namespace} is there already and was not made by this test, which would delete it with its volumes: delete it yourself, or name another one in ${VALUES}`,
    );
  say(`emptying the namespace ${kubectl.namespace}`);
  await kubectl.run('delete', 'namespace', kubectl.namespace, '--ignore-not-found', '--wait=false');
  const deadline = performance.now() + WITHIN_MS;
  while ((await kubectl.run('get', 'namespace', kubectl.namespace, '--ignore-not-found', '--output=name')) !== '') {
    if (performance.now() > deadline) throw new Error(`the namespace ${kubectl.namespace} does not go away`);
    await new Promise((done) => setTimeout(done, 1_000));
  }
}

async function tellUsage(kubectl: Kubectl): Promise<void> {
  const usages = await usageOf(kubectl);
  for (const { pod, memoryMib, cpuSeconds } of usages)
    say(`${pod.padEnd(44)} ${memoryMib.toFixed(0).padStart(5)} MiB ${cpuSeconds.toFixed(1).padStart(7)} CPU s`);
  say(`together ${usages.reduce((sum, { memoryMib }) => sum + memoryMib, 0).toFixed(0)} MiB`);
}

try {
  await main();
  say('passed');
} catch (error) {
  process.stderr.write(`\n${(error as Error).message}\n`);
  process.exitCode = 1;
}
