/** What a Pipeline of the right structure may still say wrong: names, types and numbers that do not go together. */
import { checkCluster } from './checks/cluster.ts';
import { checkColumns } from './checks/columns.ts';
import { checkExpressions } from './checks/expressions.ts';
import { checkFields } from './checks/fields.ts';
import { checkSource } from './checks/source.ts';
import { checkTable } from './checks/table.ts';
import { DEFAULT_CHUNK } from './defaults.ts';
import { durationMs } from './duration.ts';
import type { Pipeline } from './pipeline.ts';
import type { Finding } from './problem.ts';

const CHECKS: readonly ((pipeline: Pipeline) => Finding[])[] = [
  checkSource,
  checkColumns,
  checkFields,
  checkExpressions,
  checkTable,
  checkCluster,
];

/** All that is wrong with one Pipeline by itself; pure. */
export function checkPipeline(pipeline: Pipeline): Finding[] {
  return CHECKS.flatMap((check) => check(pipeline));
}

const ONLY_IN_A_CLUSTER = ['scale', 'alerts', 'resources', 'pool', 'deletionPolicy'] as const;

/** What is allowed but may surprise; one sentence each. */
export function warningsOf(pipeline: Pipeline): string[] {
  const { record, table } = pipeline.spec;
  const warnings = ONLY_IN_A_CLUSTER.filter((name) => pipeline.spec[name] !== undefined).map(
    (name) => `spec.${name} has no effect outside a cluster`,
  );
  if (record.fields[record.key]?.required !== true)
    warnings.push(`spec.record.fields.${record.key} is the key and not required: records without it belong to no device`);
  const chunk = table.chunk ?? DEFAULT_CHUNK;
  if (table.retain !== undefined && durationMs(chunk) > durationMs(table.retain))
    warnings.push(
      `spec.table.retain ${table.retain} is less than a chunk of ${chunk}: with TimescaleDB, rows go a whole chunk at a time`,
    );
  return warnings;
}
