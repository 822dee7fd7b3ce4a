import { quote, table as tableName } from '@millrace/core/database/identifier.ts';
import { TIME_COLUMN } from '@millrace/core/table/columns.ts';
import { indexName } from '../indexName.ts';
import { readIndex } from '../relation.ts';
import type { Step } from './step.ts';

/**
 * (key, time DESC) for a device's history; BRIN over time for ranges over all devices (dashboards, roll-ups, retention),
 * which costs next to nothing while rows come in.
 */
export const indexes: Step = async ({ session, model, changes }) => {
  const time = quote(TIME_COLUMN);
  const wanted = [
    // Named after the key: another key gets its own index.
    { name: indexName(model.table, `${model.key}_time`), definition: `(${quote(model.key)}, ${time} DESC)` },
    {
      name: indexName(model.table, 'brin_time'),
      definition: `USING brin (${time} pg_catalog.timestamptz_minmax_multi_ops) WITH (autosummarize = on)`,
    },
  ];
  for (const { name, definition } of wanted) {
    if ((await readIndex(session, model.schema, name)) !== null) continue;
    await session.query(`CREATE INDEX ${quote(name)} ON ${tableName(model.schema, model.table)} ${definition}`);
    changes.push(`created index ${name} on ${model.schema}.${model.table}`);
  }
};
