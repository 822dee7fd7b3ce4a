import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Row, Value } from '../record/row.ts';
import { CelCompileError, CelError, compileCondition, compileExpression, type Variable } from './cel.ts';

const VARIABLES: Variable[] = [
  { name: 'status', type: 'text' },
  { name: 'speed', type: 'float' },
  { name: 'count', type: 'int' },
  { name: 'ok', type: 'bool' },
  { name: 'at', type: 'time' },
  { name: 'type', type: 'text' },
  { name: 'int', type: 'int' },
  { name: 'package', type: 'text' },
  { name: 'extra', type: 'json' },
];
const ROW: Row = { status: ' OK x ', speed: 12.5, count: 3, ok: true, at: '2024-01-15T14:30:45.123456789Z', type: 'T', int: 7 };
const EMPTY: Row = {};

function derive(cel: string, type: Variable['type'], row: Row): Value {
  return compileExpression(cel, VARIABLES, type).evaluate(row);
}

function compileError(compile: () => unknown): CelCompileError {
  try {
    compile();
  } catch (error) {
    if (error instanceof CelCompileError) return error;
    throw error;
  }
  throw new Error('it compiled');
}

describe('derive', () => {
  test.each<[string, Variable['type'], Value]>([
    ["status.trim().startsWith('OK')", 'bool', true],
    ['3.5 * 2', 'float', 7],
    ['2 * 3.5', 'float', 7],
    ['speed > 10', 'bool', true],
    ['10 < speed', 'bool', true],
    ['speed == 12', 'bool', false],
    ['count == 3.0', 'bool', true],
    ['speed - count', 'float', 9.5],
    ['count / 2', 'int', 1],
    ['count', 'float', 3],
    ['speed in [1, 12]', 'bool', false],
    ['count in [1, 2, 3]', 'bool', true],
    ['count in [1.0, 3.0]', 'bool', true],
    ["type == 'T'", 'bool', true],
    ['int + 1', 'int', 8],
    ['type(count) == type(1)', 'bool', true],
    ['at', 'time', '2024-01-15T14:30:45.123456789Z'],
    ["at + duration('1s')", 'time', '2024-01-15T14:30:46.123Z'],
    ['at.getHours()', 'int', 14],
    ["at.getHours('America/Chicago')", 'int', 8],
    ["timestamp('2024-07-01T12:00:00Z').getDayOfYear()", 'int', 182],
    ["timestamp('2024-03-10T08:30:00Z').getHours('America/Chicago')", 'int', 3],
    ['at.getMonth() + at.getDayOfWeek()', 'int', 1],
    ['timestamp(0)', 'time', '1970-01-01T00:00:00.000Z'],
    ['3 in [1, count]', 'bool', true],
    ["{'a': count, 'b': 1}['a']", 'int', 3],
    ["[status, 'x'].join('-')", 'text', ' OK x -x'],
    ['[1, 2, count].filter(i, i > 2).size()', 'int', 1],
    ["status.split(' ').map(word, word + '!').join()", 'text', '!OK!x!!'],
    ['string(speed)', 'text', '12.5'],
    ['int(speed) + count', 'int', 15],
    ["['a', 'O'].exists(p, status.contains(p))", 'bool', true],
    ['count * 9007199254740991', 'int', 27021597764222973n],
    ["ok && speed > 1 ? 'fast' : 'slow'", 'text', 'fast'],
    ['speed > 100 ? speed : null', 'float', null],
    ['speed < 100 ? speed : null', 'float', 12.5],
  ])('%s as %s gives %s', (cel, type, value) => {
    expect(derive(cel, type, ROW)).toEqual(value);
  });

  test.each<[string, Variable['type'], Value]>([
    ['speed > 10', 'bool', null],
    ["status != 'x'", 'bool', null],
    ['count + 1', 'int', null],
    ['speed < 0 ? null : speed', 'float', null],
    ["status == null ? 'none' : status", 'text', 'none'],
    ["status != null && status.trim() == 'OK'", 'bool', false],
    ['speed == null || speed > 3', 'bool', true],
  ])('%s as %s with nulls gives %s', (cel, type, value) => {
    expect(derive(cel, type, EMPTY)).toEqual(value);
  });

  test('names its inputs, once each', () => {
    expect(compileExpression('speed > 1 && speed < 2 || count > 0', VARIABLES, 'bool').inputs).toEqual(['speed', 'count']);
    expect(compileExpression("['a'].exists(p, p == status)", VARIABLES, 'bool').inputs).toEqual(['status']);
  });
});

describe('where', () => {
  test.each<[string, boolean, boolean]>([
    ["status != 'REMOVED'", true, true],
    ["status.trim() != 'REMOVED'", true, true],
    ["status == 'REMOVED'", false, false],
    ['speed < 10', false, false],
    ['speed > 10', true, false],
    ['!(speed > 100)', true, true],
    ['speed * 2 != 3', true, true],
    ['ok', true, false],
    ['!ok', false, false],
    ['ok || speed < 3', true, false],
    ['ok || true', true, true],
    ['!(ok && true)', false, false],
    ['ok ? true : false', true, false],
    ['status == null', false, true],
    ["status in ['a']", false, false],
    ["!(status in ['a'])", true, true],
    ['-speed < 1', true, false],
    ["at > timestamp('2020-01-01T00:00:00Z')", true, false],
  ])('%s keeps a full record: %s, an empty one: %s', (cel, full, empty) => {
    const condition = compileCondition(cel, VARIABLES);
    expect([condition.holds(ROW), condition.holds(EMPTY)]).toEqual([full, empty]);
  });
});

describe('an expression that is wrong is found before the first record', () => {
  test.each<[string, Variable['type'], RegExp, RegExp, number | null]>([
    ['sped > 1', 'bool', /unknown column "sped"; did you mean "speed"\?/, /speed \(float\)/, 0],
    ['ok && extra == 1', 'bool', /unknown column "extra"/, /status \(text\)/, 6],
    ['status.trimm()', 'text', /unknown function "trimm"; did you mean "trim"\?/, /startsWith/, 0],
    ['status.startsWith(1)', 'bool', /text\.startsWith\(int\)/, /text\.startsWith\(text\): bool/, 0],
    ['status + 1', 'text', /text \+ int/, /types/, 0],
    ["count == 'a'", 'bool', /int == text/, /types/, 0],
    ['status < null', 'bool', /text < null/, /types/, 0],
    ['speed', 'int', /gives float, not int/, /gives int/, null],
    ["speed + 1 == 2 ? 'a' : 'b'", 'bool', /gives text, not bool/, /gives bool/, null],
    ['null', 'int', /gives null/, /gives int/, null],
    ['1 +', 'int', /Unexpected token: EOF/, /cel\.dev/, 3],
    ['', 'int', /EOF/, /cel\.dev/, 0],
    ["package == 'a'", 'bool', /"package" is a reserved word/, /from: package/, 0],
    ["status.matches('[')", 'bool', /regular expression/, /literal/, 15],
    ["at.getHours('America/Nope')", 'int', /no zone "America\/Nope"/, /America\/Chicago/, 12],
    ["timestamp('2024-01-01T00:00:00.000')", 'time', /is no time/, /offset/, 10],
    ['status.matches(type)', 'bool', /pattern/, /literal/, 15],
    ["['a'].exists(status, true)", 'bool', /loop variable "status"/, /no column has/, 13],
    ["['a'].exists(p, ['b'].exists(q, q == p))", 'bool', /loop inside a loop/, /at a time/, 16],
    [`${'1 + '.repeat(600)}1`, 'int', /maxAstNodes/, /cel\.dev/, null],
    [`${'('.repeat(100)}1${')'.repeat(100)}`, 'int', /maxDepth/, /cel\.dev/, null],
  ])('%s as %s', (cel, type, message, allowed, offset) => {
    const error = compileError(() => compileExpression(cel, VARIABLES, type));
    expect(error.message).toMatch(message);
    expect(error.allowed).toMatch(allowed);
    if (offset !== null) expect(error.offset).toBe(offset);
  });

  test('a filter that is not a bool', () => {
    expect(compileError(() => compileCondition('speed', VARIABLES)).message).toMatch(/gives float, not bool/);
  });
});

describe('a record that an expression has no value for is refused, with a reason', () => {
  test.each<[string, Variable['type'], string]>([
    ['count / 0', 'int', 'division_by_zero'],
    ['count % 0', 'int', 'modulo_by_zero'],
    ['speed / 0.0', 'float', 'not_finite'],
    ['9223372036854775807 + count', 'int', 'numeric_overflow'],
    ['-(-9223372036854775807 - count)', 'int', 'numeric_overflow'],
    ['int(status)', 'int', 'int_conversion_error'],
    ['at.getHours(type)', 'int', 'evaluation_error'],
    ['timestamp(type)', 'time', 'evaluation_error'],
    ['[1, 2][count]', 'int', 'index_out_of_bounds'],
  ])('%s as %s: %s', (cel, type, reason) => {
    const row = { ...ROW, status: 'x' };
    try {
      derive(cel, type, row);
    } catch (error) {
      expect(error).toBeInstanceOf(CelError);
      expect((error as CelError).reason).toBe(reason);
      expect((error as CelError).message).toContain(JSON.stringify(cel));
      return;
    }
    throw new Error('it gave a value');
  });
});

test('arithmetic and comparison agree with JavaScript, whatever mix of whole numbers, floats and null comes', () => {
  const number = fc.option(fc.integer({ min: -1000, max: 1000 }));
  const float = fc.option(fc.double({ min: -1000, max: 1000, noNaN: true }));
  const sum = compileExpression('count + speed * 2', VARIABLES, 'float');
  const less = compileCondition('count < speed', VARIABLES);
  const differs = compileCondition('count != speed', VARIABLES);
  fc.assert(
    fc.property(number, float, (count, speed) => {
      const row: Row = { count, speed };
      const some = count !== null && speed !== null;
      expect(sum.evaluate(row)).toBe(some ? count + speed * 2 : null);
      expect(less.holds(row)).toBe(some && count < speed);
      expect(differs.holds(row)).toBe((count === null) !== (speed === null) || (some && count !== speed));
    }),
  );
});

test('any text either compiles or gives a compile error', () => {
  const word = fc.constantFrom(
    'status',
    'speed',
    '(',
    ')',
    '.',
    'trim',
    '+',
    '==',
    'null',
    '?',
    ':',
    '[',
    ']',
    "'a'",
    '1',
    ',',
    'in',
    '!',
    '&&',
    'exists',
    'map',
    'has',
    'cel',
    'bind',
    'e',
    '{',
    '}',
    'matches',
    'dyn',
  );
  const texts = fc.oneof(
    fc.string(),
    fc.array(word, { maxLength: 12 }).map((words) => words.join(' ')),
  );
  fc.assert(
    fc.property(texts, (cel) => {
      try {
        compileExpression(cel, VARIABLES, 'bool');
      } catch (error) {
        expect(error).toBeInstanceOf(CelCompileError);
      }
    }),
    { numRuns: 2_000 },
  );
});
