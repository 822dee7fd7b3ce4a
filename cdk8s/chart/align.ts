/** Several lists as one that holds them all in their order, and which of them each place belongs to. */

/** A place of the common list: what stands there in the lists that have it, by index of the list. */
export type Slot<T> = ReadonlyMap<number, T>;

/**
 * Each list is what is left of the common one where the slots without it are taken out. By longest common subsequence, one
 * list after the other (Wagner and Fischer 1974).
 * @param key what stands in one slot has the same key
 */
export function align<T>(lists: readonly (readonly T[])[], key: (item: T) => string): Slot<T>[] {
  let common: { key: string; slot: Map<number, T> }[] = [];
  const seen = new Map<string, number>();
  for (const [index, list] of lists.entries()) {
    const keys = list.map(key);
    // The same list again, which is most of them.
    const text = JSON.stringify(keys);
    const like = seen.get(text);
    if (like !== undefined) {
      let at = 0;
      for (const { slot } of common) if (slot.has(like)) slot.set(index, list[at++] as T);
      continue;
    }
    seen.set(text, index);
    common = merged(common, keys, list, index);
  }
  return common.map(({ slot }) => slot);
}

function merged<T>(
  common: readonly { key: string; slot: Map<number, T> }[],
  keys: readonly string[],
  list: readonly T[],
  index: number,
): { key: string; slot: Map<number, T> }[] {
  const [rows, columns] = [common.length, keys.length];
  // lengths[i][j]: of the longest common subsequence of what begins there.
  const lengths = Array.from({ length: rows + 1 }, () => new Uint32Array(columns + 1));
  const at = (row: number, column: number): number => lengths[row]?.[column] ?? 0;
  for (let row = rows - 1; row >= 0; row -= 1)
    for (let column = columns - 1; column >= 0; column -= 1) {
      const length =
        common[row]?.key === keys[column] ? at(row + 1, column + 1) + 1 : Math.max(at(row + 1, column), at(row, column + 1));
      (lengths[row] as Uint32Array)[column] = length;
    }
  const result: { key: string; slot: Map<number, T> }[] = [];
  let [row, column] = [0, 0];
  while (row < rows || column < columns) {
    const old = common[row];
    if (old && column < columns && old.key === keys[column]) {
      result.push({ key: old.key, slot: new Map([...old.slot, [index, list[column] as T]]) });
      row += 1;
      column += 1;
    } else if (old && (column >= columns || at(row + 1, column) >= at(row, column + 1))) {
      result.push(old);
      row += 1;
    } else {
      result.push({ key: keys[column] ?? '', slot: new Map([[index, list[column] as T]]) });
      column += 1;
    }
  }
  return result;
}
