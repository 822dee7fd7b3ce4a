/**
 * The two environments of an expression, over `@marcbachmann/cel-js`, which is strict where people are not: it knows no
 * operator between whole numbers and floats, and none of null.
 *
 * - `typed` proves an expression right for values: each variable has its column's type. It also allows `x == null`.
 * - `dynamic` evaluates it: any variable may be null. Arithmetic and functions of null give null; an order with null is
 *   false; `null == 'x'` is false and `null != 'x'` is true.
 *
 * Both know arithmetic and equality between int and double.
 */
import { Environment } from '@marcbachmann/cel-js';
import { withTimeFunctions } from './time.ts';

const TIMESTAMP = 'google.protobuf.Timestamp';
const DURATION = 'google.protobuf.Duration';
const VALUE_TYPES = ['int', 'double', 'string', 'bool', TIMESTAMP, DURATION];
const ORDERS = ['<', '<=', '>', '>='];

/** Bounds of what an expression may be; its text is at most 4,096 characters. */
const LIMITS = { maxAstNodes: 1_000, maxDepth: 64, maxListElements: 500, maxMapEntries: 100, maxCallArguments: 8 };

function withMixedNumbers(environment: Environment): Environment {
  const operators: Record<string, (a: number, b: number) => number> = {
    '+': (a, b) => a + b,
    '-': (a, b) => a - b,
    '*': (a, b) => a * b,
    '/': (a, b) => a / b,
  };
  for (const [symbol, apply] of Object.entries(operators)) {
    environment.registerOperator(`int ${symbol} double: double`, (a: bigint, b: number) => apply(Number(a), b));
    environment.registerOperator(`double ${symbol} int: double`, (a: number, b: bigint) => apply(a, Number(b)));
  }
  // == of a bigint and a number compares by value, exactly.
  // biome-ignore lint/suspicious/noDoubleEquals: === between bigint and number is always false
  environment.registerOperator('int == double: bool', (a: bigint, b: number) => (a as unknown) == b);
  return environment;
}

function withNullTests(environment: Environment): Environment {
  for (const type of VALUE_TYPES) environment.registerOperator(`${type} == null: bool`, () => false);
  return environment;
}

/** `speed in [1, 2]` is right to the check; evaluation compares by value whatever the types. */
function withMixedMembership(environment: Environment): Environment {
  environment.registerOperator('double in list<int>: bool', () => false);
  environment.registerOperator('int in list<double>: bool', () => false);
  return environment;
}

/** Every function once more for each way in which its receiver and arguments may be null. */
function withNullFunctions(environment: Environment): Environment {
  const known = environment.getDefinitions().functions;
  const signatures = new Set<string>();
  for (const { name, receiverType, params } of known) {
    const types = params.map(({ type }) => type);
    const all = receiverType === null ? types : [receiverType, ...types];
    if (name === 'dyn' || name === 'type' || !all.every((type) => isPlain(type))) continue;
    for (let mask = 1; mask < 2 ** all.length; mask++) {
      const mixed = all.map((type, index) => (mask & (2 ** index) ? 'null' : type));
      const [receiver, ...rest] = receiverType === null ? [null, ...mixed] : mixed;
      signatures.add(`${receiver === null ? '' : `${receiver}.`}${name}(${rest.join(', ')}): dyn`);
    }
  }
  for (const signature of signatures) environment.registerFunction(signature, () => null, { async: false });
  return environment;
}

const PLAIN_TYPES = [...VALUE_TYPES, 'bytes', 'list<dyn>', 'list<string>'];

function isPlain(type: string): boolean {
  return PLAIN_TYPES.includes(type);
}

function withNullOperators(environment: Environment): Environment {
  for (const order of ORDERS) {
    environment.registerOperator(`null ${order} null: bool`, () => false);
    for (const type of VALUE_TYPES) {
      environment.registerOperator(`null ${order} ${type}: bool`, () => false);
      environment.registerOperator(`${type} ${order} null: bool`, () => false);
    }
  }
  for (const symbol of ['+', '-', '*', '/', '%']) {
    environment.registerOperator(`null ${symbol} null: null`, () => null);
    for (const type of VALUE_TYPES) {
      environment.registerOperator(`null ${symbol} ${type}: null`, () => null);
      environment.registerOperator(`${type} ${symbol} null: null`, () => null);
    }
  }
  environment.registerOperator('-null: null', () => null);
  environment.registerOperator('!null: null', () => null);
  return environment;
}

export const typed: Environment = withMixedMembership(withNullTests(withMixedNumbers(new Environment({ limits: LIMITS }))));
/** Lists of columns are lists of anything here: what may stand in them was checked by `typed`. */
const LENIENT = { limits: LIMITS, homogeneousAggregateLiterals: false };
export const dynamic: Environment = withNullFunctions(
  withNullOperators(withTimeFunctions(withMixedNumbers(new Environment(LENIENT)))),
);

/** The functions and methods that an expression may call. */
export const FUNCTIONS: readonly { name: string; signature: string }[] = typed
  .getDefinitions()
  .functions.filter(({ signature }) => !/optional|OptionalNamespace|CelNamespace/.test(signature))
  .map(({ name, signature }) => ({ name, signature }));
