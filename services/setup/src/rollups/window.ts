/**
 * How far back the refresh policy of a continuous aggregate looks.
 *
 * Invariant: never beyond the edge before which retention may have removed rows (`millrace.horizons`): a refresh there would delete
 * buckets. Where `retain` is raised the edge stays where it was, and the window grows with the time that passes.
 */
import type { Model } from '../model.ts';
import { type FoundPolicy, readPolicy } from '../policy.ts';
import type { Session } from '../session.ts';

/** The window grows in steps, so that a set-up that comes soon changes nothing. */
const STEP_MS = 86_400_000;

/** Epoch ms back from now; null: without a limit. @param before the policy as it is */
export async function refreshWindowMs(session: Session, model: Model, before: FoundPolicy | null): Promise<number | null> {
  const wanted = model.retainMs ?? Number.POSITIVE_INFINITY;
  const retention = await readPolicy(session, { schema: model.schema, relation: model.table, kind: 'retention' });
  const retained = retention?.arguments.drop_after ?? Number.POSITIVE_INFINITY;
  const looked = before?.arguments.start_offset ?? Number.POSITIVE_INFINITY;
  if (retained < wanted) await noteEdge(session, model.pipeline, retained);
  let gone = await goneMs(session, model.pipeline);
  if (gone === null && looked < wanted) {
    // A window from before edges were kept with TimescaleDB: it never grew.
    await noteEdge(session, model.pipeline, looked);
    gone = looked;
  }
  const allowed = gone === null ? Number.POSITIVE_INFINITY : Math.floor(gone / STEP_MS) * STEP_MS;
  const window = Math.min(wanted, Math.max(allowed, Math.min(looked, retained, gone ?? looked)));
  return Number.isFinite(window) ? window : null;
}

async function noteEdge(session: Session, pipeline: string, agoMs: number): Promise<void> {
  await session.query(
    `INSERT INTO millrace.horizons AS h (pipeline, edge) VALUES ($1, clock_timestamp() - make_interval(secs => $2))
     ON CONFLICT (pipeline) DO UPDATE SET edge = greatest(h.edge, excluded.edge)`,
    [pipeline, agoMs / 1000],
  );
}

async function goneMs(session: Session, pipeline: string): Promise<number | null> {
  const { rows } = await session.query(
    'SELECT extract(epoch FROM clock_timestamp() - edge)::float8 * 1000 AS ms FROM millrace.horizons WHERE pipeline = $1',
    [pipeline],
  );
  return rows[0] === undefined ? null : Number(rows[0].ms);
}
