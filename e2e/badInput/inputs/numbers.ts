/** Numbers that float64, PostgreSQL or JSON cannot hold, or that stand there in another dress. */
import { AT, type BadInput, csv, json, lines, row } from '../badInput.ts';

const MILLION = 1_000_000;
const MILLION_DIGITS = '7'.repeat(MILLION);
const INT: BadInput['record'] = { fields: { id: { type: 'text', required: true }, value: { type: 'int' } } };
const TEXT: BadInput['record'] = { fields: { id: { type: 'text', required: true }, value: { type: 'text' } } };
const POINT: BadInput['record'] = { fields: { id: { type: 'text', required: true }, value: { type: 'point' } } };
const INTEGERS = ['9007199254740993', '-9007199254740993', '9223372036854775807', '-9223372036854775808'];

export const NUMBERS: readonly BadInput[] = [
  {
    fear: 'csv: NaN, Infinity and numbers beyond float64',
    file: 'a.csv',
    bytes: csv('a,NaN', 'b,Infinity', 'c,-inf', 'd,1e999', 'e,1e308', 'f,', 'g,-0', 'h,0x10', 'i,1_000'),
    rows: [row('e', '1e+308'), row('f', '∅'), row('g', '-0')],
    refused: [
      ['type', 'field value is "NaN"; allowed is a number such as 12.5; "nulls" names texts that mean no value'],
      ['type', 'field value is "Infinity"'],
      ['type', 'field value is "-inf"'],
      ['type', 'field value is "1e999"; allowed is a number'],
      ['type', 'field value is "0x10"'],
      ['type', 'field value is "1_000"'],
    ],
  },
  {
    fear: 'ndjson: NaN, Infinity and numbers beyond float64',
    file: 'a.ndjson',
    bytes: lines(
      json('"id":"a","value":NaN'),
      json('"id":"b","value":-Infinity'),
      json('"id":"c","value":"NaN"'),
      json('"id":"d","value":1e999'),
      json('"id":"e","value":1e308'),
    ),
    rows: [row('e', '1e+308')],
    refused: [
      ['parse', 'not JSON', json('"id":"a","value":NaN')],
      ['parse', 'not JSON'],
      ['type', 'field value is "NaN"'],
      ['type', 'field value is 1e999; allowed is a number'],
    ],
  },
  {
    fear: 'a number in quotes',
    file: 'a.ndjson',
    bytes: lines(
      json('"id":"a","value":"12.5"'),
      json('"id":"b","value":"2,060"'),
      json('"id":7,"value":" -3 "'),
      json('"id":"d","value":[1]'),
    ),
    rows: [row('a', '12.5'), row('7', '-3')],
    refused: [
      ['type', 'field value is "2,060"; allowed is a number such as 12.5; "strip" removes thousands marks'],
      ['type', 'field value is […]; allowed is a number'],
    ],
  },
  { fear: 'csv: a number in quotes', file: 'a.csv', bytes: csv('"a","12.5"', 'b," 3 "'), rows: [row('a', '12.5'), row('b', 3)] },
  {
    fear: 'csv: integers over 2^53',
    file: 'a.csv',
    bytes: csv(...INTEGERS.map((value, at) => `${at},${value}`), 'x,9223372036854775808', 'y,5.5', 'z,5.0'),
    record: INT,
    rows: [...INTEGERS.map((value, at) => row(at, value)), row('z', 5)],
    refused: [
      [
        'type',
        'field value is "9223372036854775808"; allowed is a whole number from -9223372036854775808 to 9223372036854775807',
      ],
      ['type', 'field value is "5.5"; allowed is a whole number'],
    ],
  },
  {
    fear: 'ndjson: integers over 2^53, as int, text and unknown field',
    file: 'a.ndjson',
    bytes: lines(
      ...INTEGERS.map((value) => json(`"id":${value},"value":${value},"more":${value}`)),
      json('"id":"x","value":9223372036854775808'),
      json('"id":"y","value":12345678901234567890.0e-1,"more":0.1234567890123456789012345'),
    ),
    record: INT,
    table: { extra: true },
    rows: [
      ...INTEGERS.map((value) => row(value, value, `{"more": ${value}}`)),
      row('y', '1234567890123456789', '{"more": 0.1234567890123456789012345}'),
    ],
    refused: [['type', 'field value is 9223372036854775808; allowed is a whole number']],
  },
  {
    fear: 'ndjson: a number of a million digits as float',
    file: 'a.ndjson',
    bytes: lines(
      json(`"id":"a","value":${MILLION_DIGITS}`),
      json(`"id":"b","value":0.${MILLION_DIGITS}`),
      json('"id":"c","value":1'),
    ),
    rows: [row('c', 1)],
    refused: [
      ['type', `field value is ${'7'.repeat(80)}…; allowed is a number`],
      ['type', `field value is 0.${'7'.repeat(78)}…; allowed is a number`],
    ],
  },
  {
    fear: 'csv: a number of a million digits as int',
    file: 'a.csv',
    bytes: csv(`a,${MILLION_DIGITS}`, 'c,1'),
    record: INT,
    rows: [row('c', 1)],
    refused: [['type', `field value is "${'7'.repeat(80)}…"; allowed is a whole number`]],
  },
  {
    fear: 'ndjson: a number of a million digits as text',
    file: 'a.ndjson',
    bytes: lines(json(`"id":"a","value":${MILLION_DIGITS}`), json('"id":"c","value":1')),
    record: TEXT,
    rows: [row('a', MILLION_DIGITS), row('c', 1)],
  },
  {
    fear: 'ndjson: a number of a million digits as a field that nobody asked for',
    file: 'a.ndjson',
    bytes: lines(json(`"id":"a","more":${MILLION_DIGITS}`), json('"id":"c","more":1')),
    table: { extra: true },
    rows: [row('c', '∅', '{"more": 1}')],
    refused: [['22003', 'overflows numeric format']],
  },
  {
    fear: 'csv: a million digits as a point, a time and a key',
    file: 'a.csv',
    bytes: lines(
      'at,id,value',
      `${AT},a,POINT (${MILLION_DIGITS} 1)`,
      `${AT},b,POINT (1 ${MILLION_DIGITS}x)`,
      `2024-01-01T00:00:00.${MILLION_DIGITS}Z,c,`,
      `${MILLION_DIGITS},d,`,
      `${AT},${MILLION_DIGITS},`,
      `${AT},f,POINT (1 2)`,
    ),
    record: POINT,
    rows: ['2024-01-01 00:00:00.777777+00|c|∅|∅', row('f', 2, 1)],
    refused: [
      [
        'range',
        `field value is "POINT (${'7'.repeat(73)}…"; longitude ${'7'.repeat(40)} (it stands first); allowed is -180 to 180`,
      ],
      ['type', `allowed is a WKT point`],
      ['time', `field time (from at) is "${'7'.repeat(80)}…"; it is no such time`],
      ['54000', 'index row'],
    ],
  },
];
