/**
 * Names of everything that belongs to one Pipeline. They carry the namespace, so that two pipelines called `traffic`
 * never meet (DESIGN section 2).
 */
import type { Pipeline } from './pipeline.ts';

export interface PipelineNames {
  /** `<namespace>/<name>`: the key of positions, ledger and metrics. */
  pipeline: string;
  namespace: string;
  name: string;
  raw: string;
  processed: string;
  dlq: string;
  /** Of the newest rows, where `table.latest.topic` asks for it; also the transactional id of its writer. */
  latest: string;
  /** Consumer groups, `<topic>.<role>`. */
  processorGroup: string;
  sinkGroup: string;
  replayGroup: string;
  /** Schema and table, unquoted. */
  schema: string;
  table: string;
  latestTable: string;
}

/** Names of topics, groups and tables of a Pipeline; pure. */
export function namesOf(pipeline: Pipeline): PipelineNames {
  const namespace = pipeline.metadata.namespace ?? 'default';
  const { name } = pipeline.metadata;
  const prefix = pipeline.spec.topics?.prefix ?? `${namespace}.${name}`;
  const raw = pipeline.spec.source.topic?.name ?? `${prefix}.raw`;
  const processed = `${prefix}.processed`;
  const table = pipeline.spec.table.name;
  return {
    pipeline: `${namespace}/${name}`,
    namespace,
    name,
    raw,
    processed,
    dlq: `${prefix}.dlq`,
    latest: `${prefix}.latest`,
    // The prefix keeps two pipelines on one user-given topic apart.
    processorGroup: `${prefix}.raw.processor`,
    sinkGroup: `${processed}.sink`,
    replayGroup: `${prefix}.raw.replay`,
    schema: namespace,
    table,
    latestTable: `${table}_latest`,
  };
}

/** Name of the roll-up of a table with this interval, such as `traffic_events_1h`. */
export function rollupName(table: string, every: string): string {
  return `${table}_${every}`;
}
