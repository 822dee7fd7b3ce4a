/** What must be known of, and changed in, the syntax tree of an expression before it is used. */
import type { ASTNode } from '@marcbachmann/cel-js';
import { CelCompileError } from './error.ts';
import { argumentProblem } from './time.ts';

export interface TreeFacts {
  /** Columns used, each once, in order of appearance. */
  inputs: string[];
  /** Whether the expression tests for null itself, by `== null` or `!= null`. */
  testsNull: boolean;
}

/** Prefix of a column's variable: keeps a column named `type` or `int` apart from CEL's own constants of that name. */
export const COLUMN_PREFIX = '$';

const LOOPS = new Set(['all', 'exists', 'exists_one', 'map', 'filter', 'bind']);

function isNull(node: ASTNode): boolean {
  return node.op === 'value' && node.args === null;
}

/** The parser's nodes are plain objects which it reads again when checking; their types say readonly. */
function setArgs(node: ASTNode, args: unknown): void {
  (node as { args: unknown }).args = args;
}

function children(node: ASTNode): ASTNode[] {
  switch (node.op) {
    case 'value':
    case 'id':
      return [];
    case '.':
    case '.?':
      return [node.args[0]];
    case 'call':
      return node.args[1];
    case 'rcall':
      return [node.args[1], ...node.args[2]];
    case '!_':
    case '-_':
      return [node.args];
    case 'map':
      return node.args.flat();
    default:
      return node.args;
  }
}

/** Arguments that stand in the expression are checked now rather than for every record. */
function checkArguments(node: ASTNode): void {
  if (node.op !== 'rcall' && node.op !== 'call') return;
  const first = node.op === 'rcall' ? node.args[2][0] : node.args[1][0];
  if (first === undefined) return;
  const name = node.args[0];
  const text = first.op === 'value' && typeof first.args === 'string' ? first.args : null;
  const problem = name === 'matches' ? patternProblem(text) : text === null ? null : argumentProblem(name, text);
  if (problem) throw new CelCompileError(problem.message, first.start, problem.allowed);
}

function patternProblem(text: string | null): { message: string; allowed: string } | null {
  const allowed = 'a literal regular expression, such as matches("^OK")';
  if (text === null) return { message: 'matches() needs a pattern that stands in the expression itself', allowed };
  try {
    new RegExp(text);
    return null;
  } catch (error) {
    return { message: `${(error as Error).message} in matches()`, allowed };
  }
}

/**
 * Collects the facts of a tree and prepares it: columns get their prefix, a branch `null` of `a ? null : b` is replaced by
 * what `nullBranch` makes of the other branch, and functions get the name that `rename` has for them.
 * @throws CelCompileError where a loop stands in a loop (its cost would be a power of the data's size), a loop variable
 * has the name of a column, or a pattern is no regular expression.
 */
export function prepare(
  root: ASTNode,
  columns: ReadonlyMap<string, unknown>,
  nullBranch: (other: ASTNode) => ASTNode,
  rename: (name: string) => string | null,
): TreeFacts {
  const inputs = new Set<string>();
  let testsNull = false;
  const visit = (node: ASTNode, inLoop: boolean): void => {
    checkArguments(node);
    const variable = node.op === 'rcall' && LOOPS.has(node.args[0]) && node.args[2].length > 1 ? node.args[2][0] : undefined;
    if (variable !== undefined && inLoop)
      throw new CelCompileError(
        'a loop inside a loop',
        node.start,
        'one of all, exists, exists_one, map, filter, bind at a time',
      );
    if (variable?.op === 'id' && columns.has(variable.args))
      throw new CelCompileError(
        `the loop variable ${JSON.stringify(variable.args)} has the name of a column`,
        variable.start,
        'a name that no column has',
      );
    for (const child of children(node)) visit(child, inLoop || variable !== undefined);
    if (node.op === 'id' && columns.has(node.args)) {
      inputs.add(node.args);
      setArgs(node, COLUMN_PREFIX + node.args);
    }
    if ((node.op === '==' || node.op === '!=') && node.args.some(isNull)) testsNull = true;
    if (node.op === 'call' || node.op === 'rcall') {
      const [name, ...rest] = node.args;
      const other = rename(name);
      if (other !== null) setArgs(node, [other, ...rest]);
    }
    if (node.op === '?:') {
      const [condition, yes, no] = node.args;
      if (isNull(yes) && !isNull(no)) setArgs(node, [condition, nullBranch(no), no]);
      if (isNull(no) && !isNull(yes)) setArgs(node, [condition, yes, nullBranch(yes)]);
    }
  };
  visit(root, false);
  return { inputs: [...inputs], testsNull };
}
