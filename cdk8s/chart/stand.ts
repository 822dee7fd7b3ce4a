/**
 * Values that stand in for what somebody will write into values.yaml. Structural ones (booleans, enumerations, whether an
 * optional one is there) are answered by an explorer, which learns so what a construct asks for; opaque ones are marks that
 * are recognised wherever they end up.
 *
 * Invariant: a mark means the same whatever stands in it, so objects made with two alphabets are the same but for the marks.
 * A construct that computes with an opaque value breaks that, and the generator sees it (`explore.ts`).
 */
import type { JsonSchema } from '@millrace/core/spec/jsonSchema.ts';

export type Choice = boolean | number | string;
/** Of an optional value: whether it is there. */
export const PRESENT = 'present';
export const ABSENT = 'absent';

/** A structural value. */
export interface Variable {
  /** `kafka.nodes`; ends with `?` where it asks whether the value is there. */
  id: string;
  place: Place;
  choices: readonly Choice[];
}

/** An opaque value. */
export interface Ref {
  place: Place;
  type: 'string' | 'integer';
}

/** Where a value stands, and what is needed to read it in a template. */
export interface Place {
  path: readonly string[];
  /** Length of the path of the innermost optional value around it, from which on names may be missing; 0: none. */
  optional: number;
  /** Where a name is missing below an optional value. */
  fallback?: unknown;
}

export type Ask = (variable: Variable) => Choice;

/** How opaque values look; the digits of a number are recognised inside of text, too. */
export interface Alphabet {
  text(index: number): string;
  integer(index: number): number;
  /** In text that may have gone through JSON.stringify any number of times: groups are backslashes, text index, integer index. */
  pattern: RegExp;
}

const escaped = (code: string) => `(?:\\u${code}|(\\\\+)u${code})`;
const alphabet = (word: string, base: number): Alphabet => ({
  text: (index) => `\u0003${word}${index}\u0004`,
  integer: (index) => base + index,
  pattern: new RegExp(`${escaped('0003')}${word}(\\d+)(?:\\u0004|\\\\+u0004)|${String(base).slice(0, -3)}(\\d{3})`, 'g'),
});
export const ALPHABETS = [alphabet('a', 7_301_900_413_000), alphabet('Other', 860_211_350_977_000)] as const;

/**
 * @param refs is filled with what the marks mean, by index: the same ones in every run
 * @throws Error for a value that a chart cannot stand in for
 */
export function standIn(schema: JsonSchema, ask: Ask, { text, integer }: Alphabet, refs: Ref[]): unknown {
  const mark = (type: Ref['type'], place: Place): unknown => {
    const known = refs.findIndex((ref) => ref.place.path.join('.') === place.path.join('.'));
    const index = known === -1 ? refs.push({ place, type }) - 1 : known;
    return type === 'string' ? text(index) : integer(index);
  };
  const value = (of: JsonSchema, place: Place): unknown => {
    const choices = choicesOf(of);
    if (choices) return ask({ id: place.path.join('.'), place, choices });
    if (of.type === 'string' || of.type === 'integer') return mark(of.type, place);
    if (of.type !== 'object' || !of.properties)
      throw new Error(`the value ${place.path.join('.')} is ${JSON.stringify(of.type)}, which the chart cannot stand in for yet`);
    const members = Object.entries(of.properties).map(([name, member]) => {
      const path = [...place.path, name];
      const inner = { path, optional: place.optional, ...(place.optional > 0 ? { fallback: member.default } : {}) };
      return [name, { enumerable: true, get: () => (isOptional(of, name) ? optional(member, inner) : value(member, inner)) }];
    });
    return Object.defineProperties({}, Object.fromEntries(members));
  };
  const optional = (of: JsonSchema, place: Place): unknown => {
    const there = ask({ id: `${place.path.join('.')}?`, place, choices: [PRESENT, ABSENT] });
    return there === PRESENT ? value(of, { path: place.path, optional: place.path.length }) : undefined;
  };
  return value(schema, { path: [], optional: 0 });
}

/** What has a default is always there. */
function isOptional({ required = [] }: JsonSchema, name: string): boolean {
  return !required.includes(name);
}

function choicesOf({ type, enum: words, const: only, anyOf }: JsonSchema): Choice[] | null {
  if (type === 'boolean') return [true, false];
  if (words) return words as Choice[];
  if (only !== undefined) return [only as Choice];
  const each = anyOf?.map(choicesOf);
  return each?.every((some) => some !== null) ? each.flat() : null;
}
