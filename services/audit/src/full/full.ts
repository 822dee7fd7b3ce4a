/**
 * The full audit: every raw record by the spec as it is now, against what was made of it, and every row against the table.
 *
 * Memory: one batch of each log, one chunk of rows, and so many identities of refusals by the database and of redriven records
 * as there are; findings are bounded. The database holds digests in temporary tables. Time grows with the logs and the table.
 */
import { isAfter } from '@millrace/core/record/origin.ts';
import { namesOf } from '@millrace/core/spec/names.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import { compileTransform } from '@millrace/processor/transform.ts';
import { registryFor } from '@millrace/registry/once.ts';
import type { ClientBase } from 'pg';
import { audit } from '../audit.ts';
import { boundsOf, type Commit, commitsAfter, type Servers, wasCommitted } from '../collect.ts';
import { type AuditResult, type Check, checkOf, type Finding, worst } from '../result.ts';
import { type Snapshot, snapshotIn } from '../snapshot.ts';
import { madeRows, rawObjects, refusalsBy } from './logs.ts';
import { type FullFinding, firstOnly, mergeOrigins, type Place } from './merge.ts';
import { type RowsCompared, RowsInDatabase } from './rows.ts';

/** Findings of each kind that are told one by one. */
const MOST_TOLD = 100;
const SHOWN_BYTES = 300;

/** Both audits. @throws as `audit` */
export async function fullAudit(pipeline: Pipeline, servers: Servers, signal?: AbortSignal): Promise<AuditResult> {
  const started = performance.now();
  const counts = await audit(pipeline, servers, signal);
  const client = await servers.database.connect();
  // A connection that breaks says so by an event, and an event without a listener ends the process; the next query fails.
  client.on('error', () => undefined);
  try {
    const checks = await compareAll(pipeline, servers, client, signal);
    const all = [...counts.checks, ...checks];
    return {
      ...counts,
      checks: all,
      state: worst(all.map(({ state }) => state)),
      tookMs: Math.round(performance.now() - started),
    };
  } finally {
    client.release(true); // with its temporary tables
  }
}

async function compareAll(
  pipeline: Pipeline,
  { kafka, database }: Servers,
  client: ClientBase,
  signal?: AbortSignal,
): Promise<Check[]> {
  const names = namesOf(pipeline);
  const inDatabase = new RowsInDatabase(client, pipeline);
  await inDatabase.prepare();
  const snapshot = await snapshotIn(client, names, ({ hypertable }) => inDatabase.take(hypertable));
  const raw = await kafka.topic(names.raw);
  const commits = raw === null ? new Map<number, Commit>() : await commitsAfter(kafka, names, raw.id, snapshot, signal);
  const [rawBounds, processedBounds, dlqBounds] = await Promise.all(
    [names.raw, names.processed, names.dlq].map((topic) => boundsOf(kafka, topic)),
  );
  const transform = compileTransform(pipeline, await registryFor(pipeline, database));
  const twice = new Set<string>();
  const findings: Finding[] = [];
  const notes: string[] = [];
  let objects = 0;
  for (const [partition, processed] of (processedBounds ?? []).entries()) {
    const commit = commits.get(partition) ?? null;
    const stored = snapshot.positions.get(partition)?.origins ?? new Map<string, Place>();
    const counts = (place: Place): boolean => wasCommitted(place, commit);
    const part = { kafka, partition, ...(signal === undefined ? {} : { signal }) };
    const dlq = { ...part, topic: names.dlq, bounds: dlqBounds?.[partition] ?? { start: 0, end: 0 } };
    const refused = new Set<string>();
    for await (const one of refusalsBy('store', dlq, (place) => isTaken(stored, place))) refused.add(idOf(one));
    const log = rawBounds?.[partition] ?? { start: 0, end: 0 };
    const read = { start: log.start, end: Math.min(commit?.offset ?? 0, log.end) };
    const merged = await mergeOrigins({
      rawId: raw?.id ?? '',
      raw: log,
      processedBegins: processed.start === 0 ? 'whole' : 'removed',
      dlqBegins: dlq.bounds.start === 0 ? 'whole' : 'removed',
      objects: rawObjects({ ...part, topic: names.raw, bounds: read }, raw?.id ?? '', commit?.progress.cuts ?? [], transform),
      processed: firstOnly(madeRows({ ...part, topic: names.processed, bounds: processed }, counts)),
      refusals: firstOnly(refusalsBy('processor', dlq, counts)),
      async row({ topicId, offset, index, value, rawTimestampMs, at, redriven }) {
        const place = { topicId, offset, index };
        if (!isTaken(stored, place) || refused.has(idOf(place))) return;
        if (redriven !== null && twice.has(redriven)) return;
        if (redriven !== null) twice.add(redriven);
        await inDatabase.expect({ partition, offset, index, appendedMs: rawTimestampMs, at: at ?? -1, value });
      },
    });
    objects += merged.objects;
    findings.push(...merged.findings.slice(0, MOST_TOLD).map((finding) => told(names.raw, partition, finding)));
    const beyond = merged.findings.length - MOST_TOLD + merged.more;
    if (beyond > 0)
      findings.push({
        ...nowhere,
        state: 'different',
        partition,
        expected: 0,
        found: beyond,
        text: 'more objects of raw records that are missing, foreign, doubled or changed',
      });
    if (merged.gone > 0)
      notes.push(
        `partition ${partition}: ${merged.gone} rows and refusals cannot be proved, since their raw records are no longer in the log`,
      );
  }
  const origins = checkOf('origins', `each of ${objects} objects in the raw topic ended once, as the spec says`, findings, notes);
  const rows = await inDatabase.compare(MOST_TOLD);
  return [origins, await rowsCheck(pipeline, { kafka, database }, rows, snapshot)];
}

const nowhere = { partition: null, topicId: null, hour: null } as const;

function isTaken(stored: ReadonlyMap<string, Pick<Place, 'offset' | 'index'>>, place: Place): boolean {
  const last = stored.get(place.topicId);
  return last !== undefined && !isAfter(place, last);
}

function idOf({ topicId, offset, index }: Place): string {
  return `${topicId}:${offset}:${index}`;
}

function told(topic: string, partition: number, finding: FullFinding): Finding {
  const { offset, index, topicId } = finding.place;
  const place = `${topic}/${partition} offset ${offset} object ${index}`;
  const at = { state: 'different', partition, topicId, hour: null } as const;
  switch (finding.kind) {
    case 'missing': {
      const what =
        finding.as === 'row'
          ? `is no row and no refusal; as the spec is now it is the row ${shown(finding.value)}`
          : 'is no refusal';
      return { ...at, expected: 1, found: 0, text: `ends of ${place}: it ${what}` };
    }
    case 'foreign':
      return {
        ...at,
        expected: 0,
        found: 1,
        text: `records in the ${finding.in} topic that name ${place}, where there is no such object: ${shown(finding.value)}`,
      };
    case 'doubled':
      return { ...at, expected: 1, found: 2, text: `ends of ${place}: it is refused and is a row: ${shown(finding.value)}` };
    case 'changed':
      return {
        ...at,
        expected: 1,
        found: 0,
        text: `rows of ${place} as the spec makes it now, ${shown(finding.expected)}; it is ${shown(finding.found)}`,
      };
  }
}

async function rowsCheck(
  pipeline: Pipeline,
  { kafka }: Servers,
  rows: RowsCompared,
  { ledger, table, hypertable }: Snapshot,
): Promise<Check> {
  const names = namesOf(pipeline);
  const name = `${names.schema}.${names.table}`;
  const notes: string[] = [];
  // Rows of raw and processed records that retention has removed: so many were stored, and no more can be without proof.
  const stored = ledger.reduce((sum, row) => sum + row.stored, 0);
  const mayExpire = table.expired > 0 || (hypertable && pipeline.spec.table.retain !== undefined);
  const gone = Math.max(0, (mayExpire ? rows.found : stored) - rows.expected);
  const unproved = Math.min(rows.foreign, gone);
  if (unproved > 0)
    notes.push(`${unproved} rows in ${name} cannot be proved, since their raw and processed records are no longer in the logs`);
  const findings: Finding[] = [];
  const foreign = rows.foreign - unproved;
  if (rows.missing + foreign > 0) {
    for (const { by, from, row } of rows.differences) {
      if (from !== null) {
        const text = `rows in ${name} from ${names.raw}/${from.partition} offset ${from.offset} object ${from.index}, which holds ${await rawValue(kafka, names.raw, from)}`;
        findings.push({ ...nowhere, state: 'different', partition: from.partition, expected: by, found: 0, text });
      } else if (foreign > 0) {
        findings.push({
          ...nowhere,
          state: 'different',
          expected: 0,
          found: by,
          text: `rows in ${name} that no record made: ${row.slice(0, SHOWN_BYTES)}`,
        });
      }
    }
    const told = findings.reduce((sum, { expected, found }) => sum + Math.abs((expected ?? 0) - (found ?? 0)), 0);
    const beyond = rows.missing + foreign - told;
    if (beyond > 0)
      findings.push({
        ...nowhere,
        state: 'different',
        expected: 0,
        found: beyond,
        text: `more rows missing in ${name}, or not made by any record`,
      });
  }
  return checkOf('rows', `${rows.expected} rows that were made, ${rows.found} in ${name}, all columns compared`, findings, notes);
}

async function rawValue(
  kafka: Servers['kafka'],
  topic: string,
  { partition, offset }: { partition: number; offset: number },
): Promise<string> {
  const { start, end } = (await kafka.bounds(topic))[partition] ?? { start: 0, end: 0 };
  if (offset < start || offset >= end) return 'what is no longer in the log';
  for await (const { value } of kafka.range(topic, partition, offset, offset + 1)) return shown(value);
  return 'nothing';
}

function shown(value: Buffer | null): string {
  return value === null ? '(null)' : JSON.stringify(value.subarray(0, SHOWN_BYTES).toString());
}
