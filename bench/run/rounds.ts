/**
 * Contestants in turn, A B C A B C: what loads the machine for a while falls on all of them.
 * @returns the results of each, by round
 */
export async function rounds<Name extends string, Result>(
  count: number,
  contestants: Readonly<Record<Name, (round: number) => Promise<Result>>>,
): Promise<Record<Name, Result[]>> {
  const names = Object.keys(contestants) as Name[];
  const results = Object.fromEntries(names.map((name) => [name, [] as Result[]])) as Record<Name, Result[]>;
  for (let round = 0; round < count; round += 1) for (const name of names) results[name].push(await contestants[name](round));
  return results;
}
