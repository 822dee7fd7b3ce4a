/**
 * What a file would give: its records as the source reads them, through the processor's own rules. Streamed; nothing is
 * sent anywhere.
 */

import { encodeUnreadable } from '@millrace/core/record/raw.ts';
import type { LoadedPipeline } from '@millrace/core/spec/load.ts';
import { columnsOf, EXTRA_COLUMN } from '@millrace/core/table/columns.ts';
import { compileTransform, type Outcome } from '@millrace/processor/transform.ts';
import type { MadeRecord } from '@millrace/producer/checkpointed/input.ts';
import { cut, many, printable, table } from '../text.ts';
import { recordsOf } from './source.ts';

export interface Sampled {
  /** Which record of the file, from 1. */
  record: number;
  outcome: Outcome;
  unknownFields: number;
}

/** @throws InputError where the file cannot be read, or not further */
export async function* sample({ pipeline }: LoadedPipeline, file: string, signal: AbortSignal): AsyncGenerator<Sampled> {
  const transform = compileTransform(pipeline);
  let record = 0;
  for await (const made of recordsOf(pipeline, file, signal)) {
    const { key, value } = made;
    const raw = { offset: record, timestampMs: Date.now(), key, value, headers: headersOf(made) };
    const { outcomes, unknownFields } = transform(raw);
    record += 1;
    for (const [index, outcome] of outcomes.entries()) yield { record, outcome, unknownFields: index === 0 ? unknownFields : 0 };
  }
}

function headersOf({ unreadable }: MadeRecord): Record<string, Buffer> {
  const headers = unreadable ? encodeUnreadable(unreadable) : {};
  return Object.fromEntries(Object.entries(headers).map(([name, text]) => [name, Buffer.from(text)]));
}

export interface SampleSummary {
  records: number;
  rows: number;
  refused: number;
  /** By filter name. */
  dropped: Record<string, number>;
  unknownFields: number;
  /** Columns that no row had a value for: maybe a name that is not that of the file. */
  withoutValue: string[];
}

export function emptySummary({ pipeline }: LoadedPipeline): SampleSummary {
  const withoutValue = columnsOf(pipeline).flatMap(({ name }) => (name === EXTRA_COLUMN ? [] : [name]));
  return { records: 0, rows: 0, refused: 0, dropped: {}, unknownFields: 0, withoutValue };
}

export function addTo(summary: SampleSummary, { record, outcome, unknownFields }: Sampled): void {
  summary.records = record;
  summary.unknownFields += unknownFields;
  if (outcome.kind === 'row') {
    const { row } = outcome;
    summary.rows += 1;
    summary.withoutValue = summary.withoutValue.filter((name) => (row[name] ?? null) === null);
  }
  if (outcome.kind === 'refused') summary.refused += 1;
  if (outcome.kind === 'dropped') summary.dropped[outcome.filter] = (summary.dropped[outcome.filter] ?? 0) + 1;
}

/** For programs: one line per outcome; a row's values exactly as they would stand in the processed topic. */
export function sampledJson({ record, outcome }: Sampled): string {
  if (outcome.kind === 'row') return `{"record":${record},"kind":"row","row":${outcome.value.toString()}}`;
  if (outcome.kind === 'dropped') return JSON.stringify({ record, kind: 'dropped', filter: outcome.filter });
  const { stage, reason, message } = outcome;
  return JSON.stringify({ record, kind: 'refused', stage, reason, message });
}

const WIDEST = 32;

/** The first rows as a table. */
export function rowLines({ pipeline }: LoadedPipeline, rows: readonly Sampled[], width?: number): string[] {
  const columns = columnsOf(pipeline);
  return table(
    columns.map(({ name, type }) => ({ title: name, align: type === 'int' || type === 'float' ? 'right' : 'left' })),
    rows.flatMap(({ outcome }) =>
      outcome.kind === 'row' ? [columns.map(({ name }) => cut(printable(String(outcome.row[name] ?? '')), WIDEST))] : [],
    ),
    width,
  );
}

export function refusalLine({ record, outcome }: Sampled): string | null {
  return outcome.kind === 'refused'
    ? `record ${record} is refused (${outcome.stage}, ${outcome.reason}): ${printable(outcome.message)}`
    : null;
}

export function summaryLine({ records, rows, refused, dropped, unknownFields }: SampleSummary): string {
  const drops = Object.values(dropped).reduce((sum, drop) => sum + drop, 0);
  const filters = Object.entries(dropped).map(([filter, drop]) => `${filter} ${drop}`);
  const names = filters.length === 0 ? '' : ` (${filters.join(', ')})`;
  const unknown =
    unknownFields === 0 ? '' : `; ${many(unknownFields, 'value')} of fields that no rule names, which are not stored`;
  return `${many(records, 'record')}: ${many(rows, 'row')}, ${refused} refused, ${drops} dropped${names}${unknown}`;
}

/** Columns that stayed empty, for people; null where there is nothing to say. */
export function emptyLine({ rows, withoutValue }: SampleSummary): string | null {
  if (rows === 0 || withoutValue.length === 0) return null;
  return `no row has a value for ${withoutValue.join(', ')}: is "from" the name that the file uses?`;
}
