/** What a redrive did, or would do, as text and for programs. */
import { count, many, printable, table } from '../text.ts';
import type { Example, RedriveCounts } from './counts.ts';
import type { RedriveOutcome } from './redrive.ts';

const COLUMNS = ['stage', 'reason', 'refusals', 'would be rows', 'refused again', 'dropped', 'cannot be sent'] as const;

/** Lines for people. @param pipeline its name; `word` how the command named it */
export function redriveText(
  pipeline: string,
  word: string,
  { counts, foreign, interrupted }: RedriveOutcome,
  send: boolean,
): string[] {
  const lines = [selection(pipeline, counts)];
  if (foreign > 0) lines.push(`${many(foreign, 'record')} of the topic are no refusals, and left alone`);
  const cannot = counts.total('cannot');
  if (counts.total('refusals') > 0) lines.push('', ...byReason(counts));
  if (cannot > 0) lines.push('', `${many(cannot, 'refusal')} cannot be redriven:`, ...examples(counts.cannot, cannot));
  const again = counts.total('refused');
  if (again > 0)
    lines.push(
      '',
      `${many(again, 'refusal')} would be refused again under this specification:`,
      ...examples(counts.again, again),
    );
  lines.push('', verdict(word, counts, send, interrupted));
  return lines;
}

/** For programs. */
export function redriveJson({ counts, foreign, interrupted }: RedriveOutcome, dryRun: boolean): Record<string, unknown> {
  const { looked, selected, redriven, sent, reasons, cannot, again } = counts;
  return {
    dryRun,
    looked,
    selected,
    redriven,
    sent,
    interrupted,
    foreign,
    reasons: [...reasons.values()],
    cannot,
    again,
  };
}

function selection(pipeline: string, { looked, selected, redriven }: RedriveCounts): string {
  const stored = redriven === 0 ? '' : `, ${count(redriven)} of them redriven and stored before`;
  return `${pipeline}: ${many(looked, 'refusal')}, ${count(selected)} selected${stored}`;
}

function byReason({ reasons }: RedriveCounts): string[] {
  const rows = [...reasons.values()].map(({ stage, reason, refusals, row, refused, dropped, cannot }) => [
    printable(stage),
    printable(reason),
    ...[refusals, row, refused, dropped, cannot].map(count),
  ]);
  return table(
    COLUMNS.map((title, at) => ({ title, align: at < 2 ? ('left' as const) : ('right' as const) })),
    rows,
  );
}

function examples(shown: readonly Example[], all: number): string[] {
  const lines = shown.map(({ record, message }) => `  ${record}  ${printable(message)}`);
  return all > shown.length ? [...lines, `  and ${count(all - shown.length)} more`] : lines;
}

function verdict(word: string, counts: RedriveCounts, send: boolean, interrupted: boolean): string {
  const { sent } = counts;
  const open = counts.total('refusals') - counts.total('cannot');
  if (interrupted)
    return `interrupted: ${many(sent, 'refusal')} sent. Run it again: what became a row is not sent again, and nothing is stored twice`;
  if (open === 0) return 'nothing to send';
  if (!send) return `dry run: nothing was sent. With --yes ${many(open, 'refusal')} would be sent to the raw topic again`;
  return `${many(sent, 'refusal')} sent. \`millrace dlq list ${word}\` shows what is refused again`;
}
