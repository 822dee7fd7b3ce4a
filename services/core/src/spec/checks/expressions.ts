/** Expressions of derive and where: they compile, with the columns that they can see. */
import { compileRules } from '../../cel/rules.ts';
import type { Pipeline } from '../pipeline.ts';
import type { Finding } from '../problem.ts';

export function checkExpressions(pipeline: Pipeline): Finding[] {
  const findings: Finding[] = [];
  compileRules(pipeline, (path, { message, offset, allowed }) => {
    const place = offset === null ? '' : ` (character ${offset + 1} of the expression)`;
    findings.push({ path: ['spec', ...path], message: `${message}${place}`, allowed });
  });
  const names = new Set<string>();
  for (const [index, { name }] of (pipeline.spec.record.where ?? []).entries()) {
    if (names.has(name)) {
      const message = 'two filters have this name; drops are counted by it';
      findings.push({ path: ['spec', 'record', 'where', index, 'name'], message, allowed: 'a name of its own' });
    }
    names.add(name);
  }
  return findings;
}
