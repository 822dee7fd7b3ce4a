/** Compile errors of the CEL library in the words of a Pipeline. */

import { nearest } from '../spec/nearest.ts';
import { nameList } from '../spec/problem.ts';
import type { ColumnType } from '../table/columns.ts';
import { FUNCTIONS } from './environment.ts';
import { CelCompileError } from './error.ts';

interface LibraryError {
  code?: string;
  summary?: string;
  message: string;
  range?: { start: number };
  node?: { op?: string; args?: unknown };
}

const TYPE_NAMES: readonly [string, string][] = [
  ['google.protobuf.Timestamp', 'time'],
  ['google.protobuf.Duration', 'duration'],
  ['string', 'text'],
  ['double', 'float'],
];

/** CEL's type names in a message as the spec names them; `double(…)` stays, being a function. */
function inOurTypes(message: string): string {
  let text = message;
  for (const [theirs, ours] of TYPE_NAMES)
    text = text.replace(new RegExp(`(?<![\\w.])${theirs.replaceAll('.', '\\.')}(?![\\w(])`, 'g'), ours);
  return text.replaceAll("'dyn<", "'<");
}

const FUNCTION_NAMES: readonly string[] = [...new Set(FUNCTIONS.map(({ name }) => name))].sort();

/** What an expression may call, with the types in our words, such as `text.trim(): text`. */
export const SIGNATURES: readonly string[] = FUNCTIONS.map(({ signature }) => inOurTypes(signature));

function unknownVariable(name: string, columns: ReadonlyMap<string, string>): string {
  const suggestion = nearest(name, [...columns.keys()]);
  return `unknown column ${JSON.stringify(name)}${suggestion === null ? '' : `; did you mean ${JSON.stringify(suggestion)}?`}`;
}

function columnList(columns: ReadonlyMap<string, string>): string {
  return columns.size === 0
    ? 'no column stands before this'
    : `columns ${nameList([...columns].map(([name, type]) => `${name} (${type})`))}`;
}

function functionName(args: unknown): string | null {
  return Array.isArray(args) && typeof args[0] === 'string' ? args[0] : null;
}

function signaturesOf(name: string): string {
  return SIGNATURES.filter((_signature, index) => FUNCTIONS[index]?.name === name).join('; ');
}

function noOverload(summary: string, name: string | null): { message: string; allowed: string } {
  if (name === null) return { message: inOurTypes(summary), allowed: 'operands of types that go together' };
  if (FUNCTION_NAMES.includes(name)) return { message: inOurTypes(summary), allowed: signaturesOf(name) };
  const suggestion = nearest(name, FUNCTION_NAMES);
  return {
    message: `unknown function ${JSON.stringify(name)}${suggestion === null ? '' : `; did you mean ${JSON.stringify(suggestion)}?`}`,
    allowed: FUNCTION_NAMES.join(', '),
  };
}

/** Any error of parsing and checking as a CelCompileError; what is no error of the library's is thrown on as it is. */
export function explain(thrown: unknown, cel: string, columns: ReadonlyMap<string, string>): CelCompileError {
  if (thrown instanceof CelCompileError) return thrown;
  const { code, summary, range, node } = thrown as LibraryError;
  if (code === undefined || summary === undefined) throw thrown;
  const offset = range === undefined ? null : Math.min(range.start, cel.length);
  if (code === 'unknown_variable') {
    const name = String(node?.args);
    return new CelCompileError(unknownVariable(name, columns), offset, columnList(columns));
  }
  if (code === 'reserved_identifier') {
    const name = summary.split(': ')[1] ?? '';
    const message = `${JSON.stringify(name)} is a reserved word in CEL`;
    return new CelCompileError(message, offset, `another name; a column may have it with from: ${name}`);
  }
  if (code === 'no_matching_overload' || code === 'no_such_overload') {
    const { message, allowed } = noOverload(
      summary,
      node?.op === 'call' || node?.op === 'rcall' ? functionName(node.args) : null,
    );
    return new CelCompileError(message, offset, allowed);
  }
  return new CelCompileError(inOurTypes(summary), offset, 'an expression in CEL (https://cel.dev)');
}

export function wrongType(found: string, wanted: ColumnType): CelCompileError {
  const message = `the expression gives ${inOurTypes(found)}, not ${wanted}`;
  return new CelCompileError(message, null, `an expression that gives ${wanted}`);
}
