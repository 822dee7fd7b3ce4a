/** What undeploy keeps, and what a purge leaves: nothing. Runs last, since it takes the platform away. */
import { deploy } from '@millrace/deploy/deploy.ts';
import { undeploy } from '@millrace/deploy/undeploy.ts';
import type { Context } from './checks.ts';
import { EXAMPLES } from './examples.ts';
import { expect } from './expect.ts';
import { query, storedRows } from './rows.ts';

/** Deployed again on the volumes that an undeploy kept: the same rows, none twice, nothing sent again. */
export async function dataKept({ kubectl, values, target, wanted }: Context): Promise<void> {
  const passwords = await passwordsOf(kubectl);
  await undeploy(target, false);
  const left = await kubectl.list<{ kind: string; metadata: { name: string } }>('pods,deployments,statefulsets,jobs,services');
  expect('what runs after undeploy', left.map(({ kind, metadata: { name } }) => `${kind} ${name}`).join(', '), '');
  await deploy(target, wanted);
  for (const { name, table, rows } of EXAMPLES)
    expect(`rows of ${name} after undeploy and deploy`, String(await storedRows(kubectl, values, table)), String(rows));
  const sql = `SELECT count(DISTINCT detector_id) FROM "${values.namespace}".traffic_events`;
  expect('detectors after undeploy and deploy', await query(kubectl, values, sql), '5236');
  expect('passwords after undeploy and deploy', await passwordsOf(kubectl), passwords);
}

/** Also on the side of the cluster: no volume that was of the namespace. */
export async function nothingLeft({ kubectl, target }: Context): Promise<void> {
  await undeploy(target, true);
  const namespace = await kubectl.run('get', 'namespace', kubectl.namespace, '--ignore-not-found', '--output=name');
  expect('the namespace after a purge', namespace.trim(), '');
  const volumes = await kubectl.list<{ metadata: { name: string }; spec: { claimRef?: { namespace: string } } }>(
    'persistentvolumes',
  );
  const left = volumes.filter(({ spec }) => spec.claimRef?.namespace === kubectl.namespace);
  expect('volumes after a purge', left.map(({ metadata: { name } }) => name).join(', '), '');
}

async function passwordsOf(kubectl: Context['kubectl']): Promise<string> {
  const secrets = await kubectl.list<{ metadata: { name: string }; data?: Record<string, string> }>('secrets');
  return JSON.stringify(secrets.map(({ metadata: { name }, data }) => [name, data?.password]).toSorted());
}
