import { type Claim, claim, release } from '../owners.ts';
import { SYSTEM_SCHEMA, SYSTEM_TABLES } from '../system.ts';
import type { Step } from './step.ts';

/** Topics and tables get their owner before anything is made; a second claimant is refused. */
export const claims: Step = async ({ session, model, topics, claimed }) => {
  const own = SYSTEM_TABLES.map((name): Claim => ({ kind: 'table', name: `${SYSTEM_SCHEMA}.${name}` }));
  await claim(session, SYSTEM_SCHEMA, own);
  const tables = [model.table, model.latest, ...model.rollups.map(({ name }) => name)];
  const wanted = [
    ...topics.map(({ name }): Claim => ({ kind: 'topic', name })),
    ...tables.map((name): Claim => ({ kind: 'table', name: `${model.schema}.${name}` })),
  ];
  for (const { kind, name } of await claim(session, model.pipeline, wanted)) if (kind === 'table') claimed.add(name);
  await release(session, model.pipeline, wanted);
};
