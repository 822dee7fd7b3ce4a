import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Case, condition, type Decision, decide } from './decide.ts';
import { ABSENT, type Choice, PRESENT, type Variable } from './stand.ts';

const variable = (path: string, choices: readonly Choice[] = [true, false]): [string, Variable] => [
  path,
  { id: path, place: { path: path.replace('?', '').split('.'), optional: 0 }, choices },
];
const VARIABLES = new Map([
  variable('a'),
  variable('b'),
  variable('n', [1, 3, 5]),
  variable('x?', [PRESENT, ABSENT]),
  variable('x.y'),
]);

/** All combinations, with y only where x is there. */
const ALL = [true, false].flatMap((a) =>
  [true, false].flatMap((b) =>
    [1, 3, 5].flatMap((n) =>
      [[PRESENT, true], [PRESENT, false], [ABSENT]].map(
        ([x, y]) =>
          new Map<string, Choice>([
            ['a', a],
            ['b', b],
            ['n', n],
            ['x?', x as Choice],
            ...(y === undefined ? [] : [['x.y', y] as [string, Choice]]),
          ]),
      ),
    ),
  ),
);

const ask = ({ id }: Variable, choice: Choice) => `${id}=${choice}`;

/** Follows a decision; y is never asked for where x is not there. */
function follow<T>(decision: Decision<T>, answers: ReadonlyMap<string, Choice>): T {
  if ('result' in decision) return decision.result;
  const answer = answers.get(decision.variable.id);
  const next = decision.branches.find(([choice]) => choice === answer);
  if (!next) throw new Error(`${decision.variable.id} was asked for and has no answer`);
  return follow(next[1], answers);
}

test('gives every case its result, whatever the results are', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 3 }), { minLength: ALL.length, maxLength: ALL.length }), (results) => {
      const cases = ALL.map((answers, index): Case<number> => ({ answers, result: results[index] ?? 0 }));
      const decision = decide(cases, VARIABLES, String);
      for (const { answers, result } of cases) expect(follow(decision, answers)).toBe(result);
    }),
    { numRuns: 50 },
  );
});

describe('the condition', () => {
  const conditionOf = (holds: (answers: ReadonlyMap<string, Choice>) => boolean): string | null =>
    condition(
      decide(
        ALL.map((answers) => ({ answers, result: holds(answers) })),
        VARIABLES,
        String,
      ),
      ask,
    );

  test.each<[string | null, (answers: ReadonlyMap<string, Choice>) => boolean]>([
    [null, () => true],
    ['a=true', (answers) => answers.get('a') === true],
    ['a=false', (answers) => answers.get('a') === false],
    ['and a=true b=true', (answers) => answers.get('a') === true && answers.get('b') === true],
    ['or a=true b=true', (answers) => answers.get('a') === true || answers.get('b') === true],
    ['or n=1 n=5', (answers) => answers.get('n') !== 3],
    ['and x?=present x.y=true', (answers) => answers.get('x.y') === true],
  ])('%s', (text, holds) => {
    expect(conditionOf(holds)?.replaceAll(/[()]/g, '') ?? null).toBe(text);
  });
});

test('the same answers with different results are a construct that is not pure', () => {
  const answers = new Map<string, Choice>([['a', true]]);
  expect(() =>
    decide(
      [
        { answers, result: 1 },
        { answers, result: 2 },
      ],
      VARIABLES,
      String,
    ),
  ).toThrow(/not pure/);
});
