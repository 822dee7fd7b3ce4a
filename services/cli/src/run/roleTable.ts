/** The roles, in the order in which data flows. */
import type { Role } from '@millrace/core/role/role.ts';

/** A process loads only the role that it serves. */
export const ROLES: Record<Role['name'], () => Promise<Role>> = {
  producer: async () => (await import('@millrace/producer/role.ts')).producer,
  processor: async () => (await import('@millrace/processor/role.ts')).processor,
  sink: async () => (await import('@millrace/sink/role.ts')).sink,
};

export const ROLE_NAMES = Object.keys(ROLES) as Role['name'][];
