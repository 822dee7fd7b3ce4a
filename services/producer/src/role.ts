import type { Role } from '@millrace/core/role/role.ts';
import { sourceOf } from './sources/index.ts';

/** Brings records from the Pipeline's source into its raw topic (DESIGN section 1). */
export const producer: Role = {
  name: 'producer',
  needsDatabase: false,
  start: async (pipeline, context) => sourceOf(pipeline.spec.source).start(pipeline, context),
};
