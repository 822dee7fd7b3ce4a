/**
 * Expressions of `derive` and `where`, in CEL (https://cel.dev), checked and compiled when a Pipeline is loaded.
 *
 * Invariants:
 * - An expression that compiles has the types it needs for every value that its columns may hold; what is left for run
 *   time is arithmetic (overflow, division by zero), conversions, and null.
 * - `derive`: a null input gives null, unless the expression tests for null itself (`x == null`, `x != null`).
 * - `where`: null is seen as null. Arithmetic and functions of null give null; `<`, `<=`, `>`, `>=` and `==` of null and a
 *   value are false, `!=` is true: `status != 'REMOVED'` keeps a record without status, `speed < 10` does not keep one
 *   without speed. `!`, `&&`, `||` and `?:` follow three-valued logic, as SQL does; a filter that comes out null is not true.
 * - Times have millisecond precision inside an expression; one that is passed on unchanged keeps all its digits.
 */
import type { Row, Value } from '../record/row.ts';
import type { ColumnType } from '../table/columns.ts';
import { COLUMN_PREFIX, prepare, type TreeFacts } from './ast.ts';
import { dynamic, typed } from './environment.ts';
import { CelError } from './error.ts';
import { explain, wrongType } from './explain.ts';
import { replacementOf } from './time.ts';
import { fromCel, toCel } from './values.ts';

export { CelCompileError, CelError } from './error.ts';

export interface Variable {
  name: string;
  type: ColumnType;
}

export interface Expression {
  /** The columns it uses, in order of appearance. */
  readonly inputs: readonly string[];
  /**
   * The value for a row (a column that is not there is null).
   * @throws CelError when this row has none: overflow, division by zero, a text that is no number …
   */
  evaluate(row: Row): Value;
}

export interface Condition {
  readonly inputs: readonly string[];
  /** Whether the row is kept: only true keeps it, null does not. @throws CelError as an Expression does. */
  holds(row: Row): boolean;
}

type CelType = Exclude<ColumnType, 'json'>;

const CEL_TYPES: Record<CelType, string> = {
  text: 'string',
  int: 'int',
  float: 'double',
  bool: 'bool',
  time: 'google.protobuf.Timestamp',
};

/** Types were proved for values, so these errors can only come from a null: the expression has no value then. */
const NULL_CODES = new Set(['invalid_logical_operand', 'invalid_condition_type', 'no_such_overload', 'no_matching_overload']);

interface Program {
  facts: TreeFacts;
  /** The CEL value of a row; with `strict`, null as soon as one input is null. */
  run(row: Row, strict: boolean): unknown;
}

/** The type that the expression has for columns that are not null, in CEL's words. @throws CelCompileError */
function typeOf(cel: string, columns: ReadonlyMap<string, CelType>): string {
  const environment = typed.clone();
  for (const [name, type] of columns) environment.registerVariable(COLUMN_PREFIX + name, CEL_TYPES[type]);
  try {
    const parsed = environment.parse(cel);
    prepare(
      parsed.ast,
      columns,
      (other) => other,
      () => null,
    );
    const { type, error } = parsed.check();
    if (type === undefined) throw error;
    return type;
  } catch (error) {
    throw explain(error, cel, columns);
  }
}

function programOf(cel: string, columns: ReadonlyMap<string, CelType>): Program {
  const environment = dynamic.clone();
  for (const name of columns.keys()) environment.registerVariable(COLUMN_PREFIX + name, 'dyn');
  const parsed = environment.parse(cel);
  const facts = prepare(parsed.ast, columns, () => dynamic.parse('dyn(null)').ast, replacementOf);
  const { valid, error } = parsed.check();
  if (!valid) throw explain(error, cel, columns);
  const inputs = facts.inputs.map((name) => ({ name, variable: COLUMN_PREFIX + name, type: columns.get(name) as CelType }));
  const context: Record<string, unknown> = {}; // filled anew for each row and read only while it is evaluated
  return {
    facts,
    run(row, strict) {
      let sawNull = false;
      for (const { name, variable, type } of inputs) {
        const value = row[name] ?? null;
        context[variable] = value === null ? null : toCel(value, type, name);
        sawNull ||= value === null;
      }
      if (sawNull && strict) return null;
      try {
        return parsed(context);
      } catch (error) {
        const { code, summary, message } = error as { code?: string; summary?: string; message: string };
        if (sawNull && code !== undefined && NULL_CODES.has(code)) return null;
        throw new CelError(`${summary ?? message}, in ${JSON.stringify(cel)}`, code ?? 'evaluation_error', error);
      }
    },
  };
}

function columnsIn(variables: readonly Variable[]): Map<string, CelType> {
  const columns = new Map<string, CelType>();
  for (const { name, type } of variables) if (type !== 'json') columns.set(name, type);
  return columns;
}

/**
 * Compiles the expression of a derived column. Columns of type json cannot be used in it.
 * @throws CelCompileError when it is no CEL, uses what is not there, or has another type than `result`
 */
export function compileExpression(cel: string, variables: readonly Variable[], result: ColumnType): Expression {
  const columns = columnsIn(variables);
  const found = typeOf(cel, columns);
  const wanted = result === 'json' ? 'json' : CEL_TYPES[result];
  // A whole number is a float, but no float is silently cut to a whole number.
  if (found !== wanted && found !== 'dyn' && !(found === 'int' && wanted === 'double')) throw wrongType(found, result);
  const { facts, run } = programOf(cel, columns);
  return { inputs: facts.inputs, evaluate: (row) => fromCel(run(row, !facts.testsNull), result, cel) };
}

/** Compiles a filter. @throws CelCompileError as `compileExpression` does, where it is not a bool */
export function compileCondition(cel: string, variables: readonly Variable[]): Condition {
  const columns = columnsIn(variables);
  const found = typeOf(cel, columns);
  if (found !== 'bool') throw wrongType(found, 'bool');
  const { facts, run } = programOf(cel, columns);
  return { inputs: facts.inputs, holds: (row) => run(row, false) === true };
}
