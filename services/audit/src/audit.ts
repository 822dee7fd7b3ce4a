/** The audit in counts: looks, judges, and looks again before it accuses. */
import { setTimeout as sleep } from 'node:timers/promises';
import { namesOf } from '@millrace/core/spec/names.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import { collect, type Servers } from './collect.ts';
import { compare, inFlight } from './compare.ts';
import type { Evidence } from './evidence.ts';
import { recount } from './rawHours.ts';
import { type AuditResult, type Check, worst } from './result.ts';

/** Looks before a difference is told, so that a deed between two questions (a topic deleted, rows deleted by retention) is none. */
const LOOKS = 3;
const LOOK_AGAIN_MS = 1_000;

/**
 * Compares what was counted with the topics and the table (DESIGN 1.2 rule 8). Reads the dead-letter topic and what is on its way,
 * counts the table's rows; writes nothing but the ledger's copy of the processor's counters.
 * @throws Error of Kafka or the database where they cannot be asked, or the Pipeline was never set up; the signal's reason
 */
export async function audit(pipeline: Pipeline, servers: Servers, signal?: AbortSignal): Promise<AuditResult> {
  const startedAtMs = Date.now();
  const started = performance.now();
  for (let look = 1; ; look += 1) {
    const { evidence, checks } = await lookOnce(pipeline, servers, signal);
    const state = worst(checks.map((check) => check.state));
    if (state !== 'equal' && look < LOOKS) {
      await sleep(LOOK_AGAIN_MS, undefined, signal === undefined ? {} : { signal });
      continue;
    }
    return {
      pipeline: evidence.pipeline,
      state,
      startedAtMs,
      tookMs: Math.round(performance.now() - started),
      rows: evidence.table.rows,
      inFlight: inFlight(evidence),
      checks,
    };
  }
}

async function lookOnce(
  pipeline: Pipeline,
  servers: Servers,
  signal?: AbortSignal,
): Promise<{ evidence: Evidence; checks: Check[] }> {
  const evidence = await collect(pipeline, servers, signal);
  const checks = compare(evidence);
  const suspects = new Set(checks.find(({ name }) => name === 'raw log')?.findings.map(({ partition }) => partition));
  if (suspects.size === 0) return { evidence, checks };
  // Where append times went back, the log's index puts records into another hour than the records themselves do.
  for (const one of evidence.partitions) {
    const { partition, raw, rawHours, committed } = one;
    if (!suspects.has(partition) || raw === null || rawHours === null || committed === null) continue;
    const part = { start: raw.start, end: Math.min(committed, raw.end) };
    one.rawHours = await recount(servers.kafka, namesOf(pipeline).raw, partition, part, rawHours.from);
  }
  return { evidence, checks: compare(evidence) };
}
