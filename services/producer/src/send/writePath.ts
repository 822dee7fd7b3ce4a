import { RawNumber } from '@millrace/core/record/json.ts';
import { readPath } from '@millrace/core/record/path.ts';

/**
 * Sets the value at a path where `readPath` finds one, else makes it, with the objects on the way.
 * @throws Error where a value that is no object stands on the way
 */
export function writePath(object: Record<string, unknown>, path: string, value: unknown): void {
  if (Object.hasOwn(object, path) || !path.includes('.')) {
    object[path] = value;
    return;
  }
  const dots = [...path.matchAll(/\./g)].map(({ index }) => index);
  const dot = dots.find((at) => readPath(object[path.slice(0, at)], path.slice(at + 1)) !== undefined) ?? (dots[0] as number);
  const head = path.slice(0, dot);
  const inner = Object.hasOwn(object, head) ? object[head] : {};
  if (typeof inner !== 'object' || inner === null || inner instanceof RawNumber)
    throw new Error(`a record cannot hold the path ${JSON.stringify(path)}: another field stands at ${JSON.stringify(head)}`);
  object[head] = inner;
  writePath(inner as Record<string, unknown>, path.slice(dot + 1), value);
}
