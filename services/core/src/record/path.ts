/**
 * Reads a place in a parsed record by path: `speed`, `values.x`, `payload.0.time`.
 *
 * Own properties only, so that a path never reaches what JavaScript put there (`constructor`, an array's `length`).
 */
import { RawNumber } from './json.ts';

/**
 * The value at `path`, or undefined where there is none. A key that holds the dots itself (`{"values.x": 1}`) wins over
 * nesting, at every level.
 */
export function readPath(object: unknown, path: string): unknown {
  if (typeof object !== 'object' || object === null || object instanceof RawNumber) return undefined;
  if (isMember(object, path)) return (object as Record<string, unknown>)[path];
  for (let dot = path.indexOf('.'); dot !== -1; dot = path.indexOf('.', dot + 1)) {
    const head = path.slice(0, dot);
    if (!isMember(object, head)) continue;
    const found = readPath((object as Record<string, unknown>)[head], path.slice(dot + 1));
    if (found !== undefined) return found;
  }
  return undefined;
}

function isMember(object: object, key: string): boolean {
  return Object.hasOwn(object, key) && !(key === 'length' && Array.isArray(object));
}
