/**
 * A row of the table of newest rows as a record of its topic. Pure.
 *
 * Invariants: the key is one text for one combination: JSON with the names in order. The value is what the processor writes for such a row
 * (`encodeRow`), digit by digit; times have 0, 3, 6 or 9 digits behind the second, as the table still knows them. What a record cannot
 * hold (a number that is none, which only a person can have put there, or an `extra` that the database spells longer than the topic
 * takes, or text from before a smaller `record.maxBytes`) is left out and named in the header `left-out`, so that one row never holds up the others.
 */
import type { OutRecord } from '@millrace/core/kafka/kafka.ts';
import { parseJson, stringifyJson } from '@millrace/core/record/json.ts';
import { narrow } from '@millrace/core/record/number.ts';
import { encodeRow, newRow, type Value } from '@millrace/core/record/row.ts';
import { type Column, TIME_COLUMN, TIME_NS_COLUMN } from '@millrace/core/table/columns.ts';

const LEFT_OUT_HEADER = 'left-out';

/** What PostgreSQL's output functions write for each column (session in UTC, ISO); null: no value. */
export type Texts = readonly (string | null)[];

/** Room that key and headers take beside the value. */
const HEADROOM_BYTES = 16_384;

/**
 * @param key JSON text of the columns that name the row, in any order
 * @param texts of the row's columns; null: there is no such row any more
 * @param maxBytes largest record of the topic
 */
export function latestRecord(key: string, texts: Texts | null, columns: readonly Column[], maxBytes: number): OutRecord {
  const named = Buffer.from(canonical(key));
  if (texts === null) return { key: named, value: null, headers: {} };
  const row = newRow();
  const leftOut: string[] = [];
  for (const [index, { name, type }] of columns.entries()) {
    const text = texts[index] ?? null;
    const value = text === null ? null : columnValue(type, text);
    if (value === undefined) leftOut.push(name);
    else row[name] = value;
  }
  row[TIME_COLUMN] = withNanoseconds(row[TIME_COLUMN] ?? null, row[TIME_NS_COLUMN] ?? null);
  let value = encodeRow(row, columns);
  const bySize = columns.filter(({ type }) => type === 'json' || type === 'text').map(({ name }) => name);
  bySize.sort((a, b) => String(row[b] ?? '').length - String(row[a] ?? '').length);
  for (const name of bySize) {
    if (value.length <= maxBytes - HEADROOM_BYTES) break;
    row[name] = null;
    leftOut.push(name);
    value = encodeRow(row, columns);
  }
  return { key: named, value, headers: leftOut.length === 0 ? {} : { [LEFT_OUT_HEADER]: leftOut.join(',') } };
}

function canonical(key: string): string {
  const members = Object.entries(parseJson(key) as Record<string, unknown>);
  return stringifyJson(Object.fromEntries(members.sort(([a], [b]) => (a < b ? -1 : 1))));
}

/** undefined: no value of JSON. */
function columnValue(type: Column['type'], text: string): Value | undefined {
  switch (type) {
    case 'text':
      return text;
    case 'bool':
      return text === 'true';
    case 'int':
      return narrow(BigInt(text));
    case 'float':
      return Number.isFinite(Number(text)) ? Number(text) : undefined;
    case 'json':
      return stringifyJson(parseJson(text));
    case 'time':
      return isoTime(text);
  }
}

/** Of PostgreSQL's `2026-01-02 03:04:05.1+00`. */
function isoTime(text: string): string | undefined {
  const [, day, second, fraction = ''] = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?\+00$/.exec(text) ?? [];
  return day === undefined ? undefined : `${day}T${second}${inThrees(fraction)}Z`;
}

/** The digits beyond the microsecond that the database keeps of a time. */
function withNanoseconds(time: Value, nanoseconds: Value): Value {
  if (typeof time !== 'string' || nanoseconds === null) return time;
  const fraction = ((BigInt(nanoseconds) % NS_PER_SECOND) + NS_PER_SECOND) % NS_PER_SECOND;
  return `${time.slice(0, SECOND_CHARACTERS)}${inThrees(fraction.toString().padStart(9, '0'))}Z`;
}

const NS_PER_SECOND = 1_000_000_000n;
const SECOND_CHARACTERS = '2026-01-02T03:04:05'.length;

/** Digits of a fraction, cut and filled up to the thousandth, millionth or billionth. */
function inThrees(digits: string): string {
  const shown = digits.replace(/0+$/, '');
  return shown === '' ? '' : `.${shown.padEnd(Math.ceil(shown.length / 3) * 3, '0')}`;
}
