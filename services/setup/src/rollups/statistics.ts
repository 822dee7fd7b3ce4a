/** The SQL that makes a roll-up's columns out of rows, the same for a continuous aggregate and a table. */
import { quote } from '@millrace/core/database/identifier.ts';
import { type Rollup, STATISTICS } from '@millrace/core/table/rollup.ts';
import { NEW_TABLE, SetupRefused } from '../refused.ts';
import type { Relation } from '../relation.ts';

/** The select list after the bucket: the columns of `by`, then each statistic under its name. */
export function selectList(rollup: Rollup): string {
  const statistics = rollup.of.flatMap((column) =>
    STATISTICS.map(({ suffix, aggregate, type }) => {
      const cast = type === null ? '' : `::${type}`;
      return `${aggregate}(${quote(column)})${cast} AS ${quote(`${column}_${suffix}`)}`;
    }),
  );
  return [...rollup.by.map(quote), ...statistics].join(', ');
}

/**
 * @throws SetupRefused `RollupChanged` where the columns that are there are not those that are wanted, in order
 */
export function checkRollup(
  schema: string,
  rollup: Rollup,
  relation: Relation,
  kind: 'table' | 'view',
  spelling: ReadonlyMap<string, string>,
): void {
  const place = `${schema}.${rollup.name}`;
  const shown = (columns: readonly { name: string; type: string }[]) =>
    columns.map(({ name, type }) => `${name} ${type}`).join(', ');
  const wanted = shown(rollup.columns.map(({ name, type }) => ({ name, type: spelling.get(type) ?? type })));
  const found = shown(relation.columns);
  if (relation.kind === kind && found === wanted) return;
  throw new SetupRefused(
    'SchemaReady',
    'RollupChanged',
    `The roll-up ${place} is a ${relation.kind} of ${found}; the spec asks for a ${kind} of ${wanted}. ${NEW_TABLE}, ` +
      `or give the roll-up another "every", or drop ${place} yourself: it is then made anew from the rows that are still in the table`,
  );
}
