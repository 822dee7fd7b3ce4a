/** Column values in and out of CEL: int is a bigint, float a number, time a Date. */
import type { Value } from '../record/row.ts';
import type { ColumnType } from '../table/columns.ts';
import { CelError } from './error.ts';

const MIN_INT = -(2n ** 63n);
const MAX_INT = 2n ** 63n - 1n;

/** A Date is cut to milliseconds; the text it came from goes along, so that a time passed on unchanged stays exact. */
interface ExactDate extends Date {
  exact?: string;
}

/** @throws CelError when the value is none of its column's type (the processor never makes one) */
export function toCel(value: Exclude<Value, null>, type: ColumnType, column: string): unknown {
  if (type === 'int' && typeof value === 'number') return BigInt(value);
  if (type === 'float' && typeof value === 'bigint') return Number(value);
  if (type !== 'time') return value;
  const date: ExactDate = new Date(String(value));
  if (Number.isNaN(date.getTime())) throw new CelError(`column ${column} is ${JSON.stringify(value)}, no time`, 'bad_time');
  date.exact = String(value);
  return date;
}

/** @throws CelError when the result is no value of the column's type: outside 64 bits, not finite, or of another type */
export function fromCel(result: unknown, type: ColumnType, cel: string): Value {
  if (result === null) return null;
  if (typeof result === 'bigint' && type === 'int') {
    if (result < MIN_INT || result > MAX_INT)
      throw new CelError(`${result} does not fit in 64 bits, in ${JSON.stringify(cel)}`, 'numeric_overflow');
    const number = Number(result);
    return Number.isSafeInteger(number) ? number : result;
  }
  if ((typeof result === 'number' || typeof result === 'bigint') && type === 'float') {
    const number = Number(result);
    if (!Number.isFinite(number)) throw new CelError(`the result is ${number}, in ${JSON.stringify(cel)}`, 'not_finite');
    return number;
  }
  if (typeof result === 'string' && type === 'text') return result;
  if (typeof result === 'boolean' && type === 'bool') return result;
  if (result instanceof Date && type === 'time') {
    if (Number.isNaN(result.getTime())) throw new CelError(`the result is no time, in ${JSON.stringify(cel)}`, 'bad_time');
    return (result as ExactDate).exact ?? result.toISOString();
  }
  throw new CelError(`the result is ${typeof result}; the column is ${type}, in ${JSON.stringify(cel)}`, 'wrong_type');
}
