/**
 * Millrace's own tables, in the schema `millrace`.
 *
 * Invariant: migrations (`migrations.ts`) are applied in order, each with its number, in one transaction, under an advisory lock, so that any
 * number of processes may start at once.
 */
import { quote, table } from '@millrace/core/database/identifier.ts';
import { MIGRATIONS } from './migrations.ts';
import { inTransaction, type Session, takeTurn } from './session.ts';

export const SYSTEM_SCHEMA = 'millrace';

/** Name of the advisory lock for everything that changes schemas and tables in this database. */
export const SETUP_LOCK = 'millrace setup';

/** Login of processors that need the device registry, and nothing else of the database; the platform makes it. */
export const REGISTRY_READER = 'millrace_registry';

/** Own tables, which no Pipeline in a namespace called `millrace` may claim. */
export const SYSTEM_TABLES = [
  'migrations',
  'positions',
  'ledger',
  'touched',
  'owners',
  'horizons',
  'resets',
  'reset_refusals',
  'redriven',
  'reprocessed',
  'device_certificates',
  'device_crls',
  'registry_types',
  'registry_templates',
  'registry_datapoints',
  'registry_devices',
  'registry_connectors',
  'registry_pins',
  'device_commands',
  'latest_unsent',
  'latest_topics',
] as const;

/** Brings the own tables up to date; returns a line per change. Runs its own transaction: call it outside of one. */
export async function migrate(session: Session): Promise<string[]> {
  const migrations = table(SYSTEM_SCHEMA, 'migrations');
  return inTransaction(session, async () => {
    await takeTurn(session, SETUP_LOCK, 'transaction');
    const { rows: found } = await session.query('SELECT to_regclass($1) IS NOT NULL AS found', [migrations]);
    if (found[0]?.found !== true) {
      await createSchema(session, SYSTEM_SCHEMA);
      await session.query(
        `CREATE TABLE ${migrations} (id int PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT clock_timestamp())`,
      );
    }
    const { rows: applied } = await session.query(`SELECT coalesce(max(id), 0) AS last FROM ${migrations}`);
    const last = Number(applied[0]?.last);
    if (last > MIGRATIONS.length)
      throw new Error(
        `the schema ${SYSTEM_SCHEMA} of this database is at version ${last}, made by a newer Millrace; this one knows versions up to ${MIGRATIONS.length}`,
      );
    const changes: string[] = [];
    for (const [index, sql] of MIGRATIONS.entries()) {
      if (index < last) continue;
      await session.query(sql);
      await session.query(`INSERT INTO ${migrations} (id) VALUES ($1)`, [index + 1]);
      changes.push(`brought Millrace's own tables to version ${index + 1}`);
    }
    await letRead(session);
    return changes;
  });
}

/**
 * Lets the processor's login read the device registry, where there is such a login: what a role may read by name cannot be said before the
 * table is there. An owner may repeat it.
 */
async function letRead(session: Session): Promise<void> {
  const { rows } = await session.query('SELECT 1 FROM pg_roles WHERE rolname = $1', [REGISTRY_READER]);
  if (rows.length === 0) return;
  const tables = SYSTEM_TABLES.filter((name) => name.startsWith('registry_')).map((name) => table(SYSTEM_SCHEMA, name));
  await session.query(`GRANT USAGE ON SCHEMA ${quote(SYSTEM_SCHEMA)} TO ${quote(REGISTRY_READER)}`);
  await session.query(`GRANT SELECT ON ${tables.join(', ')} TO ${quote(REGISTRY_READER)}`);
}

/** Creates a schema where there is none: CREATE … IF NOT EXISTS asks for the right to create even where there is one. */
export async function createSchema(session: Session, schema: string): Promise<boolean> {
  const { rows } = await session.query('SELECT 1 FROM pg_namespace WHERE nspname = $1', [schema]);
  if (rows.length > 0) return false;
  await session.query(`CREATE SCHEMA ${quote(schema)}`);
  return true;
}
