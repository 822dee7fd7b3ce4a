import { makeContinuousAggregate } from '../rollups/continuousAggregate.ts';
import { makeRollupTable } from '../rollups/rollupTable.ts';
import type { Step } from './step.ts';

/** Every roll-up: a continuous aggregate, or a table that the sink's touched buckets refresh. */
export const rollups: Step = async (context) => {
  for (const rollup of context.model.rollups) {
    if (context.server.kind === 'timescaledb') await makeContinuousAggregate(context, context.server.schema, rollup);
    else await makeRollupTable(context, rollup);
  }
};
