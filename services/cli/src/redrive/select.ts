/** Which refusals a redrive is about. Pure. */
import { placeOf, type Refused } from '../records/refusals.ts';

export interface Selection {
  /** Ids, or `partition:offset`; none: all. */
  ids: readonly string[];
  reasons: readonly string[];
  stages: readonly string[];
}

/** Those that fit each kind of condition that is given. `unmatched` names the ids that no refusal so far had. */
export function selector({ ids, reasons, stages }: Selection): { isSelected(one: Refused): boolean; unmatched: Set<string> } {
  const wanted = new Set(ids);
  const unmatched = new Set(ids);
  const isSelected = ({ id, refusal }: Refused): boolean => {
    const named = [id, placeOf(refusal)].filter((name) => wanted.has(name));
    for (const name of named) unmatched.delete(name);
    if (wanted.size > 0 && named.length === 0) return false;
    if (reasons.length > 0 && !reasons.includes(refusal.reason)) return false;
    return stages.length === 0 || stages.includes(refusal.stage);
  };
  return { isSelected, unmatched };
}
