/** The registry for a command that reads records of one Pipeline: as it is now, and not again. */
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import type { Pool } from 'pg';
import { readContent } from './content.ts';
import { needsRegistry, type RegistryView, registryOf } from './registry.ts';

/** null where the Pipeline needs none. @throws Error where the tables are not there or the database does not answer */
export async function registryFor(pipeline: Pipeline, database: Pool): Promise<RegistryView | null> {
  if (!needsRegistry(pipeline)) return null;
  const client = await database.connect();
  // A connection that breaks says so by an event, and an event without a listener ends the process; the next query fails.
  client.on('error', () => undefined);
  try {
    const registry = registryOf(await readContent(client));
    return () => registry;
  } finally {
    client.release(true);
  }
}
