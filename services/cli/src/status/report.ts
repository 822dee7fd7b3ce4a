/** A sample as text for people and as JSON for programs; pure. */
import { count, many, table } from '../text.ts';
import type { Sample, TopicSample } from './sample.ts';
import { totalsOf, unaccounted, unfinished } from './totals.ts';

export function statusText(sample: Sample): string {
  const totals = totalsOf(sample);
  const { read, stored, refused, dropped, repeats, merged, lost, lagMessages } = totals;
  const lines = [
    `${sample.pipeline} → table ${sample.table}`,
    `  ${count(read)} read: ${count(stored)} stored, ${count(refused)} refused, ${count(dropped)} dropped, ${count(repeats)} repeats left out${merged === 0 ? '' : `, ${count(merged)} merged`}`,
    `  lag ${count(lagMessages)} messages: ${unfinished(sample) ?? 'all that arrived is stored'}`,
  ];
  if (lost > 0)
    lines.push(
      `  ${count(lost)} records were LOST: the retention of ${sample.processed.name} removed them before they were stored`,
    );
  const open = unaccounted(totals);
  if (lagMessages === 0 && open !== 0) lines.push(`  the books DO NOT add up: ${imbalance(open)}`);
  if (sample.checkpoint) {
    const { ordinal, loop, completed } = sample.checkpoint;
    lines.push(`  source: ${count(ordinal)} records sent, time ${loop + 1} through the input${completed ? ', completed' : ''}`);
  }
  const topics = [sample.raw, sample.processed, sample.dlq].map((topic) => `  ${topicLine(topic)}`);
  if (sample.latest) topics.push(`  ${topicLine(sample.latest)}; ${many(sample.latest.unsent, 'newest row')} not in it yet`);
  return [...lines, ...topics, ...partitionLines(sample).map((line) => `  ${line}`)].join('\n');
}

/** What an unbalanced sum means. */
export function imbalance(open: number): string {
  return open > 0
    ? `${many(open, 'record')} ${open === 1 ? 'is' : 'are'} neither stored, refused, dropped, merged nor a repeat`
    : `${many(-open, 'record')} more ${open === -1 ? 'is' : 'are'} stored, refused or dropped than the raw topic has (was it deleted and created again?)`;
}

function topicLine({ name, id, bounds }: TopicSample): string {
  if (id === null) return `topic ${name}: not there`;
  const records = bounds.reduce((sum, { start, end }) => sum + end - start, 0);
  return `topic ${name}: ${count(records)} records in ${bounds.length} partitions, id ${id}`;
}

function partitionLines({ raw, processed, processor, sink }: Sample): string[] {
  const titles = ['partition', 'raw from', 'raw to', 'processor at', 'processed from', 'processed to', 'sink at'];
  const rows = raw.bounds.map((bounds, partition) => {
    const made = processed.bounds[partition];
    const numbers = [bounds.start, bounds.end, processor.get(partition)?.next, made?.start, made?.end, sink?.next.get(partition)];
    return [String(partition), ...numbers.map((value) => (value === undefined ? '-' : count(value)))];
  });
  return table(
    titles.map((title) => ({ title, align: 'right' as const })),
    rows,
  );
}

export function statusJson(sample: Sample): Record<string, unknown> {
  const totals = totalsOf(sample);
  const { processor, sink, ...rest } = sample;
  return {
    ...rest,
    totals,
    unaccounted: unaccounted(totals),
    unfinished: unfinished(sample),
    processor: Object.fromEntries(processor),
    sink: sink && { ...sink, next: Object.fromEntries(sink.next) },
  };
}
