/** How values of a parsed record appear in messages: never more than a line, never by walking a large object. */
import { RawNumber } from '@millrace/core/record/json.ts';

const MAX_SHOWN = 80;

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof RawNumber);
}

/** `a text`, `a number`, `null` … */
export function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (isObject(value)) return 'an object';
  if (typeof value === 'string') return 'a text';
  return typeof value === 'boolean' ? 'a boolean' : 'a number';
}

/** The value as JSON, cut after 80 characters; `{…}` and `[…]` for objects and arrays. */
export function shown(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? '[]' : '[…]';
  if (isObject(value)) return '{…}';
  const text = value instanceof RawNumber ? value.source : String(value);
  const cut = text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
  return typeof value === 'string' ? JSON.stringify(cut) : cut;
}
