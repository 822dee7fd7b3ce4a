/** What a record holds beside the declared fields: kept in `extra`, or counted (DESIGN 1.1). */
import { isObject } from './shown.ts';

export interface Unknown {
  /** How many members, at whatever depth, no path reaches. */
  count: number;
  /** Those members where they stood; null where there are none. Without a prototype, so that any key is safe. */
  extra: Record<string, unknown> | null;
}

const NOTHING: Unknown = { count: 0, extra: null };

/** Compiles the finder of members that none of `paths` reads. An object that some path reads into is searched as well. */
export function unknownFinder(paths: readonly string[]): (object: Record<string, unknown>) => Unknown {
  const known = new Set(paths);
  const parents = new Set(paths.flatMap(parentsOf));
  const search = (object: Record<string, unknown>, prefix: string): Unknown => {
    let found = NOTHING;
    for (const key of Object.keys(object)) {
      const path = prefix + key;
      if (known.has(path)) continue;
      const member = object[key];
      let inner: Unknown = { count: 1, extra: null };
      let kept = member;
      // Of an array all elements are read, or all of it is kept: an element without its neighbours would have another place.
      if (Array.isArray(member) && known.has(`${path}.0`) && member.every((_, at) => known.has(`${path}.${at}`))) continue;
      if (isObject(member) && parents.has(path)) {
        inner = search(member, `${path}.`);
        if (inner.extra === null) continue;
        kept = inner.extra;
      }
      if (found.extra === null) found = { count: 0, extra: Object.create(null) as Record<string, unknown> };
      found.count += inner.count;
      (found.extra as Record<string, unknown>)[key] = kept;
    }
    return found;
  };
  return (object) => search(object, '');
}

/** `a.b.c` is read from within `a` and `a.b`. */
function parentsOf(path: string): string[] {
  const parents: string[] = [];
  for (let dot = path.indexOf('.'); dot !== -1; dot = path.indexOf('.', dot + 1)) parents.push(path.slice(0, dot));
  return parents;
}
