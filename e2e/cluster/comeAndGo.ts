/** What undeploy keeps, and what a purge leaves: nothing. Runs last, since it takes the platform away. */
import { setTimeout as sleep } from 'node:timers/promises';
import { deploy } from '@millrace/deploy/deploy.ts';
import { undeploy } from '@millrace/deploy/undeploy.ts';
import type { Context } from './checks.ts';
import { EXAMPLES } from './examples.ts';
import { expect } from './expect.ts';
import { query, storedRows } from './rows.ts';

const WITHIN_MS = 120_000;

/** Deployed again on the volumes that an undeploy kept: the same rows, none twice, nothing sent again. */
export async function dataKept({ kubectl, values, target, wanted }: Context): Promise<void> {
  const passwords = await passwordsOf(kubectl);
  await undeploy(target, false);
  const instances = ['platform', ...wanted.pipelines.map(({ pipeline }) => pipeline.metadata.name)];
  const left = await kubectl.list<{ kind: string; metadata: { name: string } }>(
    'pods,deployments,statefulsets,jobs,services',
    `--selector=app.kubernetes.io/instance in (${instances.join(',')})`,
  );
  expect('what runs after undeploy', left.map(({ kind, metadata: { name } }) => `${kind} ${name}`).join(', '), '');
  await deploy(target, wanted);
  for (const { name, table, rows, of } of EXAMPLES)
    expect(`rows of ${name} after undeploy and deploy`, String(await storedRows(kubectl, values, table, of)), String(rows));
  const sql = `SELECT count(DISTINCT detector_id) FROM "${values.namespace}".traffic_events`;
  expect('detectors after undeploy and deploy', await query(kubectl, values, sql), '5236');
  expect('passwords and tokens after undeploy and deploy', await passwordsOf(kubectl), passwords);
}

/** Also on the side of the cluster: no volume that was of the namespace. */
export async function nothingLeft({ kubectl, target }: Context): Promise<void> {
  await undeploy(target, true);
  const namespace = await kubectl.run('get', 'namespace', kubectl.namespace, '--ignore-not-found', '--output=name');
  expect('the namespace after a purge', namespace.trim(), '');
  // Whoever made the volumes takes them away after their claims, in its own time.
  for (const deadline = performance.now() + WITHIN_MS; ; await sleep(1_000)) {
    const left = await volumesOf(kubectl);
    if (left === '') return;
    if (performance.now() > deadline) throw new Error(`volumes after a purge: ${left}`);
  }
}

async function volumesOf(kubectl: Context['kubectl']): Promise<string> {
  const volumes = await kubectl.list<{ metadata: { name: string }; spec: { claimRef?: { namespace: string } } }>(
    'persistentvolumes',
  );
  const own = volumes.filter(({ spec }) => spec.claimRef?.namespace === kubectl.namespace);
  return own.map(({ metadata: { name } }) => name).join(', ');
}

async function passwordsOf(kubectl: Context['kubectl']): Promise<string> {
  const secrets = await kubectl.list<{ metadata: { name: string }; data?: Record<string, string> }>('secrets');
  return JSON.stringify(secrets.map(({ metadata: { name }, data }) => [name, data?.password, data?.token]).toSorted());
}
