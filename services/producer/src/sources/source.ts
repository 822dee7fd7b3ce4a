import type { RoleContext, Worker } from '@millrace/core/role/role.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';

/** A kind of source: one file here, and one line in `index.ts`. */
export interface Source {
  /** @throws Error where the spec cannot work, in a sentence with place, value and what is allowed */
  start(pipeline: Pipeline, context: Omit<RoleContext, 'database'>): Promise<Worker>;
}
