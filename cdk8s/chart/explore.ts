/** Runs a part of the platform for every combination of structural values that it asks for, and for no other. */
import type { JsonSchema } from '@millrace/core/spec/jsonSchema.ts';
import type { Manifest } from '../constructs/manifest.ts';
import type { Values } from '../platform/values.ts';
import { ALPHABETS, type Alphabet, type Choice, type Ref, standIn, type Variable } from './stand.ts';
import { readMarks, type Tree } from './text.ts';

/** One run: what was asked and answered, in this order, and what came out. */
export interface Run<T> {
  answers: ReadonlyMap<string, Choice>;
  result: T;
}

export interface Explored {
  runs: Run<Tree[]>[];
  variables: ReadonlyMap<string, Variable>;
  refs: readonly Ref[];
}

/** A part that asks for so much is several parts. */
const MAX_RUNS = 2_048;

/**
 * Depth-first over the answers; what is not asked after certain answers is not enumerated there.
 * @throws Error where the objects depend on an opaque value by more than passing it on
 */
export function explore(name: string, schema: JsonSchema, build: (values: Values) => Manifest[]): Explored {
  const runs: Run<Tree[]>[] = [];
  const variables = new Map<string, Variable>();
  const refs: Ref[] = [];
  const run = (forced: ReadonlyMap<string, Choice>, alphabet: Alphabet): Run<Tree[]> => {
    const answers = new Map<string, Choice>();
    const ask = (variable: Variable): Choice => {
      variables.set(variable.id, variable);
      const answer = answers.get(variable.id) ?? forced.get(variable.id) ?? variable.choices[0];
      if (answer === undefined) throw new Error(`${variable.id} has no choice`);
      answers.set(variable.id, answer);
      return answer;
    };
    const objects = build(standIn(schema, ask, alphabet, refs) as Values);
    return { answers, result: objects.map((object) => readMarks(object, alphabet)) };
  };
  for (let next: ReadonlyMap<string, Choice> | null = new Map(); next; ) {
    const [first, second] = [run(next, ALPHABETS[0]), run(next, ALPHABETS[1])];
    checkSame(name, first.result, second.result);
    if (runs.push(first) > MAX_RUNS) throw new Error(`${name} asks for too many structural values: make it several parts`);
    next = following(first.answers, variables);
  }
  return { runs, variables, refs };
}

/** The last answer that has another one after it, changed to that; null when all were tried. */
function following(
  answers: ReadonlyMap<string, Choice>,
  variables: ReadonlyMap<string, Variable>,
): ReadonlyMap<string, Choice> | null {
  const list = [...answers];
  for (let at = list.length - 1; at >= 0; at -= 1) {
    const [id, answer] = list[at] ?? [];
    const choices = id === undefined ? [] : (variables.get(id)?.choices ?? []);
    const next = choices[choices.indexOf(answer ?? '') + 1];
    if (id !== undefined && next !== undefined) return new Map([...list.slice(0, at), [id, next]]);
  }
  return null;
}

function checkSame(name: string, one: readonly Tree[], other: readonly Tree[]): void {
  if (one.length !== other.length) throw new Error(`${name}: the number of objects depends on an opaque value`);
  for (const [index, object] of one.entries()) {
    const path = differing(object, other[index]);
    if (path !== null) throw new Error(`${name}: ${path} is computed from an opaque value, which can only be passed on`);
  }
}

/** The first path where the two differ. */
function differing(one: unknown, other: unknown, path = ''): string | null {
  if (JSON.stringify(one) === JSON.stringify(other)) return null;
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return path;
  for (const name of new Set([...Object.keys(one), ...Object.keys(other)])) {
    const found = differing(one[name as never], other[name as never], `${path}.${name}`);
    if (found !== null) return found;
  }
  return path;
}
