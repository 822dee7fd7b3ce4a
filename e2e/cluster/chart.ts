/** The chart by real Helm in a namespace of its own: install, upgrade, rollback, uninstall, and what stays. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { secretNames } from '@millrace/bootstrap/plan.ts';
import { CHART, findHelm } from '@millrace/cdk8s/chart/helm.ts';
import { bootstrapPlan } from '@millrace/cdk8s/platform/bootstrap.ts';
import { namespaceObject, platformObjects } from '@millrace/cdk8s/platform/platform.ts';
import type { Values } from '@millrace/cdk8s/platform/values.ts';
import { run } from '@millrace/deploy/command.ts';
import { claimsOf } from '@millrace/deploy/inventory.ts';
import { type Kubectl, kubectlOf } from '@millrace/deploy/kubectl.ts';
import type { Target } from '@millrace/deploy/target.ts';
import { allReady, waitFor } from '@millrace/deploy/wait.ts';
import { emptyNamespace, OWN_LABEL } from './namespace.ts';
import { NotCovered } from './notCovered.ts';

const RELEASE = 'millrace';
const WITHIN_MS = 240_000;
const DEFINITION = 'crd/pipelines.millrace.dev';

interface Lab {
  kubectl: Kubectl;
  values: Values;
  say(line: string): void;
  /** @param values instead of those of the test @returns what helm says */
  helm(words: readonly string[], values?: Values): Promise<string>;
}

/** @param values of the platform that runs already; here in another namespace @throws NotCovered where there is no helm */
export async function checkChart(target: Target, platform: Values): Promise<void> {
  const program = findHelm();
  if (program === null) throw new NotCovered('the chart by helm: there is none (scripts/helm/fetch)');
  const namespace = `${platform.namespace}-chart`;
  const values = { ...platform, namespace };
  const kubectl = kubectlOf(target.cluster.kubectl, process.env, namespace);
  const folder = mkdtempSync(join(tmpdir(), 'millrace-chart-'));
  const kubeconfig = join(folder, 'kubeconfig');
  try {
    // Whatever way kubectl takes to the cluster, helm takes it, too.
    writeFileSync(kubeconfig, await kubectl.run('config', 'view', '--raw', '--flatten', '--minify'), { mode: 0o600 });
    const helm: Lab['helm'] = (words, given) =>
      run([program, ...words, '--namespace', namespace, '--kubeconfig', kubeconfig], {
        withinMs: WITHIN_MS,
        ...(given === undefined ? {} : { input: JSON.stringify(given) }),
      });
    await emptyNamespace(kubectl, target.say);
    const { metadata, ...object } = namespaceObject(values);
    await kubectl.apply([{ ...object, metadata: { ...metadata, labels: { ...metadata.labels, [OWN_LABEL]: 'true' } } } as never]);
    await lifeOfRelease({ kubectl, values, helm, say: target.say });
    await kubectl.run('delete', 'namespace', namespace, '--wait=false');
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function lifeOfRelease(lab: Lab): Promise<void> {
  const { kubectl, values, helm, say } = lab;
  const step = async (name: string, what: () => Promise<void>): Promise<void> => {
    const from = performance.now();
    await what();
    say(`helm ${name}: ${((performance.now() - from) / 1_000).toFixed(1)} s`);
  };
  const before = { ...values, alertmanager: { ...values.alertmanager, enabled: true } };
  const after = {
    ...before,
    alertmanager: { ...values.alertmanager, enabled: false },
    prometheus: { ...values.prometheus, retention: '2d' },
    roles: { ...values.roles, setup: { ...values.roles.setup, limits: { ...values.roles.setup.limits, memory: '288Mi' } } },
  };
  await step('install', async () => {
    const said = await helm(INSTALL, before);
    if (!said.includes('port-forward service/prometheus'))
      throw new Error(`the notes do not say how to open Prometheus: ${said}`);
    await settled(lab);
  });
  await psql(kubectl, values, 'CREATE TABLE kept AS SELECT 42 AS answer');
  const [secrets, jobs] = [await contents(kubectl), await names(kubectl, 'jobs')];

  await step('upgrade', async () => {
    await helm(['upgrade', RELEASE, CHART, '--values', '-'], after);
    await settled(lab);
  });
  same('Prometheus keeps its metrics for', await retention(kubectl), '2d');
  same('what the upgrade left of Alertmanager', await names(kubectl, 'all,cm,netpol', 'app.kubernetes.io/name=alertmanager'), '');
  if ((await names(kubectl, 'jobs')) === jobs) throw new Error('an upgrade to other values made no other Job');
  same('Secrets after the upgrade', await contents(kubectl), secrets);

  await step('rollback', async () => {
    await helm(['rollback', RELEASE, '1']);
    await settled(lab);
  });
  same('Prometheus keeps its metrics for', await retention(kubectl), values.prometheus.retention);
  same('Jobs after the rollback', await names(kubectl, 'jobs'), jobs);
  same('Secrets after the rollback', await contents(kubectl), secrets);

  await step('uninstall', async () => {
    await helm(['uninstall', RELEASE]);
    await onlyKept(lab);
  });
  await kubectl.run('get', DEFINITION);

  await step('install again', async () => {
    await helm(INSTALL, before);
    await kubectl.run('rollout', 'status', 'statefulset/database', '--timeout=120s');
  });
  same('what was stored before the uninstall', await psql(kubectl, values, 'SELECT answer FROM kept'), '42');
}

/** Somebody else, such as `make deploy` of another version, may have brought the definition of Pipelines. */
const INSTALL = ['install', RELEASE, CHART, '--values', '-', '--take-ownership', '--force-conflicts'];

/** What was changed is there, and no pod is on its way. */
async function settled({ kubectl, say }: Lab): Promise<void> {
  for (const name of (await names(kubectl, 'statefulsets,deployments')).split(', '))
    await kubectl.run('rollout', 'status', name, '--timeout=100s');
  await waitFor('the release', allReady, { kubectl, say, withinMs: WITHIN_MS });
}

/** Nothing is left but volumes and the Secrets that belong to them. @throws Error with what is there, or not there any more */
async function onlyKept({ kubectl, values }: Lab): Promise<void> {
  const kinds = (await kubectl.run('api-resources', '--verbs=list', '--namespaced', '--output=name')).trim().split('\n');
  const listed = kinds.filter((kind) => !/^(events|podmetrics|pods\.metrics)/.test(kind)).join(',');
  const wanted = [
    'configmap/kube-root-ca.crt',
    'serviceaccount/default',
    ...claimsOf(platformObjects(values)).map(({ name }) => `persistentvolumeclaim/${name}`),
    ...secretNames(bootstrapPlan(values)).map((name) => `secret/${name}`),
  ].toSorted();
  for (const deadline = performance.now() + WITHIN_MS; ; await sleep(1_000)) {
    const found = (await names(kubectl, listed)).split(', ');
    if (found.join() === wanted.join()) return;
    if (performance.now() > deadline) same('what is left of the release', found.join(', '), wanted.join(', '));
  }
}

async function names(kubectl: Kubectl, kinds: string, selector?: string): Promise<string> {
  const words = selector === undefined ? [] : [`--selector=${selector}`];
  const text = await kubectl.run('get', kinds, '--output=name', '--ignore-not-found', ...words);
  return text.trim().split('\n').toSorted().join(', ');
}

/** Of every Secret that the bootstrap made. */
async function contents(kubectl: Kubectl): Promise<string> {
  const secrets = await kubectl.list<{ metadata: { name: string }; data?: object; type?: string }>('secrets');
  const made = secrets.filter(({ type }) => type !== 'helm.sh/release.v1');
  return JSON.stringify(made.map(({ metadata: { name }, data }) => [name, data]).toSorted());
}

async function retention(kubectl: Kubectl): Promise<string> {
  const args = await kubectl.run('get', 'pod', 'prometheus-0', '--output=jsonpath={.spec.containers[0].args}');
  return /retention\.time=(\w+)/.exec(args)?.[1] ?? args;
}

/** As the superuser, whom the database lets in from inside of its pod. */
async function psql(kubectl: Kubectl, { database }: Values, sql: string): Promise<string> {
  return (await kubectl.run('exec', 'database-0', '--', 'psql', '-X', '-U', 'postgres', '-d', database.name, '-Atc', sql)).trim();
}

function same(what: string, found: string, wanted: string): void {
  if (found === wanted) return;
  const secret = what.startsWith('Secrets');
  throw new Error(
    secret ? `${what} are others than before` : `${what}: found ${found || 'nothing'}, expected ${wanted || 'nothing'}`,
  );
}
