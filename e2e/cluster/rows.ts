/** Asks the database in the cluster, as the reader that Grafana uses. */
import { databaseUser } from '@millrace/cdk8s/platform/names.ts';
import type { Values } from '@millrace/cdk8s/platform/values.ts';
import type { Kubectl } from '@millrace/deploy/kubectl.ts';

/** The answer's only value as text. @throws CommandFailed where the database does not answer or has no such table */
export async function query(kubectl: Kubectl, values: Values, sql: string): Promise<string> {
  const words = ['psql', '-X', '-U', databaseUser('reader'), '-d', values.database.name, '-Atc', sql];
  return (await kubectl.run('exec', 'database-0', '--', ...words)).trim();
}

/** @param of the rows that are counted: SQL */
export async function storedRows(kubectl: Kubectl, values: Values, table: string, of: string): Promise<number> {
  return Number(await query(kubectl, values, `SELECT count(*) FROM "${values.namespace}"."${table}" WHERE ${of}`));
}
