import type { Pipeline } from '../spec/pipeline.ts';
import type { Derived } from '../spec/record.ts';
import { type Column, columnsOf } from '../table/columns.ts';
import { type Condition, compileCondition, compileExpression, type Expression } from './cel.ts';
import { CelCompileError } from './error.ts';

export interface Rules {
  /** In order: each sees the time, the fields, a point's `<name>_lat` and `<name>_lon`, and what was derived before it. */
  derive: { rule: Derived; expression: Expression }[];
  /** In order; each sees all columns. The first that does not hold drops the row under its name. */
  where: { name: string; condition: Condition }[];
}

/**
 * Compiles `record.derive` and `record.where` of a Pipeline.
 * @param refuse told of each rule that is wrong, by its path below `spec`; by default it is thrown
 */
export function compileRules(
  pipeline: Pipeline,
  refuse: (path: (string | number)[], error: CelCompileError) => void = (_path, error) => {
    throw error;
  },
): Rules {
  const { derive = [], where = [] } = pipeline.spec.record;
  const derivedNames = new Set(derive.map(({ name }) => name));
  const scope: Pick<Column, 'name' | 'type'>[] = columnsOf(pipeline).filter(({ name }) => !derivedNames.has(name));
  const rules: Rules = { derive: [], where: [] };
  const attempt = (path: (string | number)[], compile: () => void): void => {
    try {
      compile();
    } catch (error) {
      if (!(error instanceof CelCompileError)) throw error;
      refuse(path, error);
    }
  };
  for (const [index, rule] of derive.entries()) {
    attempt(['record', 'derive', index, 'cel'], () => {
      rules.derive.push({ rule, expression: compileExpression(rule.cel, scope, rule.type) });
    });
    scope.push({ name: rule.name, type: rule.type });
  }
  for (const [index, { name, cel }] of where.entries()) {
    attempt(['record', 'where', index, 'cel'], () => {
      rules.where.push({ name, condition: compileCondition(cel, scope) });
    });
  }
  return rules;
}
