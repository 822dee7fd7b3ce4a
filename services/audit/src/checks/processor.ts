import { countedOf, isoHour } from '../counted.ts';
import type { Evidence } from '../evidence.ts';
import { type Check, checkOf, type Finding } from '../result.ts';

/** raw = rows + refused + dropped + repeats, in every hour. */
export function processor({ partitions }: Evidence): Check {
  const findings: Finding[] = [];
  let objects = 0;
  for (const one of partitions) {
    for (const { topicId, hours, rest } of countedOf(one)) {
      for (const [hour, counted] of [...hours, [null, rest] as const]) {
        objects += counted.raw;
        const ended = counted.rows + counted.refused + counted.dropped + counted.repeats;
        if (ended === counted.raw) continue;
        const text = 'ends of raw objects (rows, refused, dropped, repeats), of those read';
        const at = { partition: one.partition, topicId, hour: hour === null ? null : isoHour(hour) };
        findings.push({ state: 'different', ...at, expected: counted.raw, found: ended, text });
      }
    }
  }
  return checkOf('processor', `each of ${objects} raw objects ended as a row, refused, dropped or a repeat`, findings);
}
