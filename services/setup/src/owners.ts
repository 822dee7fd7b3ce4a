/**
 * Who a topic or table belongs to.
 *
 * Invariant: a name has one owner; claims are made in the transaction that makes what they are for, so that two
 * Pipelines that ask for one name at the same time cannot both have it.
 */
import type { Condition } from './refused.ts';
import { SetupRefused } from './refused.ts';
import type { Session } from './session.ts';

export interface Claim {
  kind: 'topic' | 'table';
  /** Of a table: `schema.name`. */
  name: string;
}

const CONDITION: Record<Claim['kind'], Condition['type']> = { topic: 'TopicsReady', table: 'SchemaReady' };

/** The owner of tables that a reset of this pipeline has replaced and that were kept. No pipeline can have such a name. */
export function retiredKey(pipeline: string): string {
  return `${pipeline} old`;
}

/** Claims names for a pipeline and returns those that it had not before. @throws SetupRefused `NameConflict` */
export async function claim(session: Session, pipeline: string, claims: readonly Claim[]): Promise<Claim[]> {
  const made: Claim[] = [];
  for (const { kind, name } of claims) {
    const inserted = await session.query(
      'INSERT INTO millrace.owners (kind, name, pipeline) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING 1 AS made',
      [kind, name, pipeline],
    );
    if (inserted.rows.length > 0) {
      made.push({ kind, name });
      continue;
    }
    const { rows } = await session.query('SELECT pipeline FROM millrace.owners WHERE kind = $1 AND name = $2', [kind, name]);
    const owner = String(rows[0]?.pipeline);
    if (owner === retiredKey(pipeline))
      throw new SetupRefused(
        CONDITION[kind],
        'HandedOver',
        `The ${kind} ${JSON.stringify(name)} is an old one of ${pipeline}, whose rows go to another since a reset. Set spec.table.name to that one`,
      );
    if (owner !== pipeline)
      throw new SetupRefused(
        CONDITION[kind],
        'NameConflict',
        `The ${kind} ${JSON.stringify(name)} belongs to the pipeline ${owner}, and ${pipeline} asks for it too. Choose another ${kind === 'topic' ? 'spec.topics.prefix' : 'spec.table.name'}`,
      );
  }
  return made;
}

/** Gives back the tables of a pipeline that its spec no longer names. They stay where they are. */
export async function release(session: Session, pipeline: string, kept: readonly Claim[]): Promise<void> {
  await session.query(`DELETE FROM millrace.owners WHERE pipeline = $1 AND kind = 'table' AND NOT name = ANY($2)`, [
    pipeline,
    kept.filter(({ kind }) => kind === 'table').map(({ name }) => name),
  ]);
}
