/** What an audit found, as lines for people; pure. */
import type { AuditResult, Check, Finding } from '@millrace/audit/result.ts';
import { count, many } from '../text.ts';

/** Places that are shown for each check; --json has all that were kept. */
const SHOWN = 10;

const VERDICTS = {
  equal: 'all accounted for',
  different: 'there is a DIFFERENCE',
  unknown: 'it CANNOT BE TOLD',
};
const MARKS = { equal: 'ok', different: 'DIFFERENT', unknown: 'unknown' };

/** A line per check, and where one does not come out a line per place. */
export function auditText({ pipeline, state, rows, inFlight, tookMs, checks }: AuditResult): string {
  const seen = [
    rows === null ? null : many(rows, 'row'),
    inFlight === null ? null : `${count(inFlight)} on their way`,
    `${(tookMs / 1000).toFixed(1)} s`,
  ];
  const head = `${pipeline}: ${VERDICTS[state]} (${seen.filter((part) => part !== null).join(', ')})`;
  return [head, ...checks.flatMap(checkLines)].join('\n');
}

function checkLines({ name, state, text, findings, notes }: Check): string[] {
  const more = findings.length - SHOWN;
  return [
    `  ${MARKS[state].padEnd(9)}  ${name}: ${withCommas(text)}`,
    ...findings.slice(0, SHOWN).map((finding) => `             ${findingLine(finding)}`),
    ...(more > 0 ? [`             and ${many(more, 'place')} more`] : []),
    ...notes.map((note) => `             (${withCommas(note)})`),
  ];
}

/** Place, what was expected and found, and of what. */
export function findingLine({ partition, topicId, hour, expected, found, text }: Finding): string {
  const place = [
    partition === null ? null : `partition ${partition}`,
    hour === null ? null : `hour ${hour.slice(0, 13)}:00Z`,
    topicId === null || topicId === '' ? null : `raw topic id ${topicId}`,
  ].filter((part) => part !== null);
  const numbers = expected === null ? (found === null ? '' : `${count(found)} `) : `${count(found ?? 0)} of ${count(expected)} `;
  return `${place.length === 0 ? '' : `${place.join(', ')}: `}${numbers}${text}`;
}

/** Whole numbers of five digits and more, as people read them; names and ids stay. */
function withCommas(text: string): string {
  return text.replace(/(?<![\w.:-])\d{4,15}(?![\w.:-])/g, (digits) => count(Number(digits)));
}
