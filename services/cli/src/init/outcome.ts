/** What the guessed Pipeline makes of the sample, by the processor's own rules. Pure. */
import { isoToEpochMs } from '@millrace/core/record/time.ts';
import { zoneOf } from '@millrace/core/record/zone.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import { compileTransform } from '@millrace/processor/transform.ts';

export interface SampleOutcome {
  rows: number;
  refused: number;
  /** Of some of the refusals. */
  reasons: string[];
  /** The earliest and the latest time, and how far they are apart; null and 0 where there are no rows. */
  times: { from: string; to: string } | null;
  spanMs: number;
  /** Rows in an hour that the clocks of the zone showed twice, of which the earlier one is taken. */
  repeated: number;
}

const MAX_REASONS = 3;

export function outcomeOf(pipeline: Pipeline, values: readonly Buffer[]): SampleOutcome {
  const transform = compileTransform(pipeline);
  const reasons: string[] = [];
  const zone = zoneOf(pipeline.spec.record.time.zone ?? 'UTC');
  let repeated = 0;
  let [rows, refused, first, last] = [0, 0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const [offset, value] of values.entries()) {
    for (const outcome of transform({ offset, timestampMs: 0, key: null, value, headers: {} }).outcomes) {
      if (outcome.kind === 'row') {
        rows += 1;
        const ms = isoToEpochMs(String(outcome.row.time));
        if (zone?.isRepeated(ms)) repeated += 1;
        first = Math.min(first, ms);
        last = Math.max(last, ms);
      } else if (outcome.kind === 'refused') {
        refused += 1;
        if (reasons.length < MAX_REASONS) reasons.push(outcome.message);
      }
    }
  }
  const text = (ms: number): string => new Date(ms).toISOString().replace(/\.\d{3}Z$/, 'Z');
  return {
    rows,
    refused,
    reasons,
    times: rows === 0 ? null : { from: text(first), to: text(last) },
    spanMs: rows === 0 ? 0 : last - first,
    repeated,
  };
}
