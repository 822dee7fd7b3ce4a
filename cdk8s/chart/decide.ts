/** From "in these runs it was so" to the shortest questions about structural values that tell it. */
import { type Choice, PRESENT, type Variable } from './stand.ts';

/** Which result a run had, and what had been answered. */
export interface Case<T> {
  answers: ReadonlyMap<string, Choice>;
  result: T;
}

export type Decision<T> = { result: T } | { variable: Variable; branches: readonly (readonly [Choice, Decision<T>])[] };

/**
 * A tree that gives each case its result. A value below an optional one is asked for only where that is there.
 * @param same tells whether two results are the same
 * @throws Error where two cases with the same answers have different results
 */
export function decide<T>(
  cases: readonly Case<T>[],
  variables: ReadonlyMap<string, Variable>,
  same: (result: T) => string,
): Decision<T> {
  const [first] = cases;
  if (!first) throw new Error('nothing to decide');
  if (new Set(cases.map(({ result }) => same(result))).size === 1) return { result: first.result };
  const [best] = [...variables.values()]
    .flatMap((variable) => split(variable, cases, variables, same))
    .toSorted((a, b) => b.settled - a.settled || a.size - b.size);
  if (!best) throw new Error('the same answers gave different results: a construct is not pure');
  const branches = best.groups.map(([choice, some]) => [choice, decide(some, variables, same)] as const);
  const text = (decision: Decision<T>): string => decisionText(decision, same);
  const [[, one] = []] = branches;
  return one && branches.every(([, other]) => text(other) === text(one)) ? one : { variable: best.variable, branches };
}

interface Split<T> {
  variable: Variable;
  groups: [Choice, Case<T>[]][];
  /** Groups with one result. */
  settled: number;
  /** Cases in all groups; one that never asked is in each. */
  size: number;
}

function split<T>(
  variable: Variable,
  cases: readonly Case<T>[],
  variables: ReadonlyMap<string, Variable>,
  same: (result: T) => string,
): Split<T>[] {
  const given = new Set(cases.flatMap(({ answers }) => answers.get(variable.id) ?? []));
  const around = [...variables.values()].filter(({ id, place }) => id.endsWith('?') && isBelow(variable, place.path));
  if (given.size < 2 || around.some(({ id }) => cases.some(({ answers }) => answers.get(id) !== PRESENT))) return [];
  const groups = variable.choices
    .filter((choice) => given.has(choice))
    .map((choice): [Choice, Case<T>[]] => [
      choice,
      cases.filter(({ answers }) => (answers.get(variable.id) ?? choice) === choice),
    ]);
  const settled = groups.filter(([, some]) => new Set(some.map(({ result }) => same(result))).size === 1).length;
  return [{ variable, groups, settled, size: groups.reduce((sum, [, some]) => sum + some.length, 0) }];
}

function isBelow({ id, place: { path } }: Variable, around: readonly string[]): boolean {
  return (path.length > around.length || !id.endsWith('?')) && around.every((name, index) => path[index] === name);
}

function decisionText<T>(decision: Decision<T>, same: (result: T) => string): string {
  if ('result' in decision) return same(decision.result);
  const { variable, branches } = decision;
  return `${variable.id}(${branches.map(([choice, inner]) => `${choice}:${decisionText(inner, same)}`).join()})`;
}

/** A decision between yes and no in the words of Helm's templates; null: always yes. @throws Error for never */
export function condition(decision: Decision<boolean>, ask: (variable: Variable, choice: Choice) => string): string | null {
  const text = yes(decision, ask);
  if (text === false) throw new Error('a condition that never holds');
  return text === true ? null : text;
}

function yes(decision: Decision<boolean>, ask: (variable: Variable, choice: Choice) => string): string | boolean {
  if ('result' in decision) return decision.result;
  const { variable, branches } = decision;
  const ways = branches.flatMap(([choice, inner]) => {
    const rest = yes(inner, ask);
    return rest === false ? [] : [{ asked: ask(variable, choice), rest }];
  });
  const [one, other] = ways.toSorted((a, b) => Number(b.rest === true) - Number(a.rest === true));
  if (!one) return false;
  // Where one answer is enough, the other one need not be asked for.
  if (other && branches.length === 2 && one.rest === true) return `or ${bracket(one.asked)} ${bracket(String(other.rest))}`;
  const texts = ways.map(({ asked, rest }) => (rest === true ? asked : `and ${bracket(asked)} ${bracket(rest)}`));
  return texts.length === 1 ? (texts[0] ?? false) : `or ${texts.map(bracket).join(' ')}`;
}

const bracket = (text: string): string => (text.includes(' ') ? `(${text})` : text);
