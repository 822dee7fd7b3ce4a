/** Too much of something: depth, members, columns. */
import { AT, type BadInput, json, lines, row } from '../badInput.ts';

const DEPTH = 100_000;
const NESTED = `${'['.repeat(DEPTH)}${']'.repeat(DEPTH)}`;
const NESTED_OBJECTS = `${'{"a":'.repeat(DEPTH)}1${'}'.repeat(DEPTH)}`;
const MEMBERS = 60_000;
const members = (count: number): string => Array.from({ length: count }, (_, n) => `"k${n}":1`).join(',');
const COLUMNS = 10_000;
const wide = [...Array.from({ length: COLUMNS - 3 }, (_, n) => `c${n}`), 'at', 'id', 'value'];
const WIDE = `${wide.join(',')}\n${'1,'.repeat(COLUMNS - 3)}${AT},a,1\n${'1,'.repeat(COLUMNS - 3)}${AT},b,x\n`;

export const SIZES: readonly BadInput[] = [
  {
    fear: 'ndjson: nesting 100,000 deep',
    file: 'a.ndjson',
    bytes: lines(json(`"id":"a","value":${NESTED}`), NESTED_OBJECTS, json('"id":"c","value":1')),
    table: { extra: true },
    rows: [row('c', 1, '∅')],
    refused: [
      ['parse', 'nested too deeply at character 145; allowed are 100 levels'],
      ['parse', 'nested too deeply at character 500; allowed are 100 levels', NESTED_OBJECTS],
    ],
  },
  {
    fear: 'json: nesting 100,000 deep',
    file: 'a.json',
    bytes: `[${json(`"id":"a","value":${NESTED}`)},${json('"id":"c","value":1')}]`,
    rows: [row('c', 1)],
    refused: [['parse', 'nested too deeply']],
  },
  {
    fear: 'csv: nesting 100,000 deep in a text',
    file: 'a.csv',
    bytes: `at,id,value\n${AT},a,${NESTED}\n`,
    record: { fields: { id: { type: 'text', required: true }, value: { type: 'text' } } },
    rows: [row('a', NESTED)],
  },
  {
    fear: 'a record with 60,000 members, kept',
    file: 'a.ndjson',
    bytes: lines(json(`"id":"a",${members(MEMBERS)}`), json('"id":"b"')),
    record: { fields: { id: { type: 'text', required: true } } },
    table: { extra: true, name: 'members' },
    rows: [
      row(
        'a',
        `{${Array.from({ length: MEMBERS }, (_, n) => `k${n}`)
          .sort(byJsonb)
          .map((key) => `"${key}": 1`)
          .join(', ')}}`,
      ),
      row('b', '∅'),
    ],
  },
  {
    fear: 'a record with 60,000 members, counted',
    file: 'a.ndjson',
    bytes: lines(json(`"id":"a",${members(MEMBERS)}`), json('"id":"b"')),
    rows: [row('a', '∅'), row('b', '∅')],
  },
  {
    fear: 'csv: 10,000 columns, of which the spec names three',
    file: 'a.csv',
    bytes: WIDE,
    rows: [row('a', 1)],
    refused: [['type', 'field value is "x"; allowed is a number']],
  },
  {
    fear: 'csv: 10,000 columns, of which the spec names three and keeps the others',
    file: 'a.csv',
    bytes: WIDE,
    table: { extra: true, name: 'wide' },
    rows: [
      row(
        'a',
        1,
        `{${wide
          .slice(0, -3)
          .sort(byJsonb)
          .map((key) => `"${key}": "1"`)
          .join(', ')}}`,
      ),
    ],
    refused: [['type', 'field value is "x"; allowed is a number']],
  },
];

/** The order of members in JSONB: by length, then by bytes. */
export function byJsonb(a: string, b: string): number {
  return a.length - b.length || (a < b ? -1 : 1);
}
