/** Which rows `<table>_latest` keeps: the newest per combination of some columns. One rule for set-up, the sink and the reset. */
import { quote } from '../database/identifier.ts';
import type { Pipeline } from '../spec/pipeline.ts';

export interface Latest {
  /** The newest row per combination of these; the key is among them. A row without one of them does not count. */
  by: readonly string[];
  /** A row that has none of these does not count; empty: every row does. */
  of: readonly string[];
  /** Whether they are in a topic, too. */
  topic: boolean;
}

/** What the spec asks for; default: the newest row per key. */
export function latestOf({ spec }: Pick<Pipeline, 'spec'>): Latest {
  const { by, of, topic } = spec.table.latest ?? {};
  return { by: by ?? [spec.record.key], of: of ?? [], topic: topic === true };
}

/** SQL condition: whether a row counts. */
export function countsSql({ by, of }: Pick<Latest, 'by' | 'of'>): string {
  const some = of.length === 0 ? [] : [`(${of.map((name) => `${quote(name)} IS NOT NULL`).join(' OR ')})`];
  return [...by.map((name) => `${quote(name)} IS NOT NULL`), ...some].join(' AND ');
}
