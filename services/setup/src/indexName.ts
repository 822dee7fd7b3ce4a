import { createHash } from 'node:crypto';
import { MAX_NAME_BYTES } from '@millrace/core/database/identifier.ts';

/** Name of an index of a table; a long table name is cut and told apart by a hash of the whole. */
export function indexName(table: string, suffix: string): string {
  const whole = `${table}_${suffix}`;
  if (Buffer.byteLength(whole) <= MAX_NAME_BYTES) return whole;
  const hash = createHash('sha256').update(table).digest('hex').slice(0, 8);
  return `${table.slice(0, MAX_NAME_BYTES - suffix.length - hash.length - 2)}_${hash}_${suffix}`;
}
