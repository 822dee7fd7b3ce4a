import { skippedIn } from '@millrace/core/record/progress.ts';
import { isoHour } from '../counted.ts';
import type { Evidence } from '../evidence.ts';
import { type Check, checkOf, type Finding } from '../result.ts';

/** What was removed from a topic before it was read. */
export function lost({ partitions, foreignRaw }: Evidence): Check {
  const findings: Finding[] = [];
  const notes: string[] = [];
  for (const { partition, progress, ledger } of partitions) {
    const skipped = progress === null ? 0 : skippedIn(progress);
    const at = { partition, topicId: progress?.topicId ?? null, expected: 0 };
    if (skipped > 0 && foreignRaw) notes.push(`partition ${partition}: ${skipped} offsets of the raw topic hold no records`);
    else if (skipped > 0) {
      const text = 'raw records that were removed before they were processed';
      findings.push({ state: 'different', ...at, hour: null, found: skipped, text });
    }
    for (const row of ledger) {
      if (row.lost === 0) continue;
      const text = 'processed records that were removed before they were stored';
      const hour = row.hour === null ? null : isoHour(row.hour);
      findings.push({ state: 'different', ...at, topicId: row.topicId, hour, found: row.lost, text });
    }
  }
  return checkOf('lost', 'no record was removed from a topic before it was read', findings, notes);
}
