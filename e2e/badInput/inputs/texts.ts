/** Texts and names: words that are not allowed, NUL, half characters, names that mean something to SQL or JavaScript. */
import type { Field } from '@millrace/core/spec/record.ts';
import { AT, type BadInput, csv, json, lines, row } from '../badInput.ts';

const STATUS: BadInput['record'] = {
  fields: { id: { type: 'text', required: true }, value: { type: 'text', enum: ['OK', 'LOW'] } },
};
const NOTE: BadInput['record'] = { fields: { id: { type: 'text', required: true }, value: { type: 'text' } } };
const EXTRA = { extra: true } as const;
const NAMES = ['we"ird', "'; drop table x; --", 'ü ', 'a\\b', '$1', '%s', '\u202e'];

export const TEXTS: readonly BadInput[] = [
  {
    fear: 'an unknown status',
    file: 'a.csv',
    bytes: csv('a,OK', 'b,BROKEN', 'c,ok', 'd,'),
    record: STATUS,
    rows: [row('a', 'OK'), row('d', '∅')],
    refused: [
      ['enum', 'field value is "BROKEN"; allowed is OK, LOW'],
      ['enum', 'field value is "ok"; allowed is OK, LOW'],
    ],
  },
  {
    fear: 'csv: texts that COPY or SQL would take for something else',
    file: 'a.csv',
    bytes: csv('a,\\N', 'b,\\.', 'c,"\t\\t"', 'd,NULL', `e,"'; drop table bad; --"`, 'f,{}', 'g,\\x00'),
    record: NOTE,
    rows: [
      row('a', '\\N'),
      row('b', '\\.'),
      row('c', '\t\\t'),
      row('d', 'NULL'),
      row('e', "'; drop table bad; --"),
      row('f', '{}'),
      row('g', '\\x00'),
    ],
  },
  {
    fear: 'csv: a NUL',
    file: 'a.csv',
    bytes: csv('a,x\0y', 'b\0,z', 'c,z'),
    record: NOTE,
    rows: [row('c', 'z')],
    refused: [
      ['22021', 'invalid byte sequence for encoding "UTF8": 0x00'],
      ['22021', 'invalid byte sequence for encoding "UTF8": 0x00'],
    ],
  },
  {
    fear: 'csv: a NUL in every row of a device that went mad, before it comes to its senses',
    file: 'a.csv',
    bytes: csv(...Array.from({ length: 40 }, (_, n) => `a,\0${n}`), 'a,z'),
    record: NOTE,
    rows: [row('a', 'z')],
    refused: Array.from({ length: 40 }, () => ['22021', 'invalid byte sequence for encoding "UTF8": 0x00'] as const),
  },
  {
    fear: 'ndjson: nothing but NULs in unknown fields',
    file: 'a.ndjson',
    bytes: lines(...Array.from({ length: 40 }, (_, n) => json(`"id":"a","more":"\\u0000${n}"`))),
    table: EXTRA,
    rows: [],
    refused: Array.from({ length: 40 }, () => ['22P05', 'unsupported Unicode escape sequence'] as const),
  },
  {
    fear: 'ndjson: a NUL, written out, as it is, and in a field that nobody asked for',
    file: 'a.ndjson',
    bytes: lines(
      json('"id":"a","value":"x\\u0000"'),
      json('"id":"b","value":"x\0"'),
      json('"id":"c","more":"\\u0000"'),
      json('"id":"d"'),
    ),
    record: NOTE,
    table: EXTRA,
    rows: [row('d', '∅', '∅')],
    refused: [
      ['22021', 'invalid byte sequence'],
      ['parse', 'Bad control character', json('"id":"b","value":"x\0"')],
      ['22P05', 'unsupported Unicode escape sequence'],
    ],
  },
  {
    fear: 'ndjson: half a surrogate pair in a text, a key, an unknown field and its name',
    file: 'a.ndjson',
    bytes: lines(
      json('"id":"a","value":"\\ud83d"'),
      json('"id":"\\ude00"'),
      json('"id":"c","more":"\\ud83d"'),
      json('"id":"d","\\ud83d":1'),
      json('"id":"e","value":"\\ud83d\\ude00","more":"\\\\ud83d"'),
    ),
    record: NOTE,
    table: EXTRA,
    rows: [row('e', '😀', '{"more": "\\\\ud83d"}')],
    refused: [
      ['type', 'it holds half a surrogate pair; allowed is Unicode text'],
      ['type', 'it holds half a surrogate pair; allowed is Unicode text'],
      ['type', 'the unknown fields hold half a surrogate pair (…{"more":"\\ud83d'],
      ['type', 'the unknown fields hold half a surrogate pair (…{"\\ud83d'],
    ],
  },
  {
    fear: 'json: a key twice',
    file: 'a.ndjson',
    bytes: lines(json('"id":"a","value":1,"value":2,"id":"b"')),
    rows: [row('b', 2)],
  },
  {
    fear: 'csv: a column twice',
    file: 'a.csv',
    bytes: `at,id,value,value\n${AT},a,1,2\n`,
    rows: [],
    stops: 'names the column "value" twice; allowed are different names',
  },
  {
    fear: 'fields whose names are SQL keywords, in a table that is called like one',
    file: 'a.csv',
    bytes: `at,select,order,user\n${AT},a,1,true\n`,
    record: {
      key: 'select',
      fields: { select: { type: 'text', required: true }, order: { type: 'int' }, user: { type: 'bool' } },
    },
    table: { name: 'table', unique: { columns: ['select', 'time'] } },
    rollups: [{ every: '1h', of: ['order'] }],
    rows: [row('a', 1, 'true')],
  },
  {
    fear: 'csv: names of columns with quotes, spaces and signs',
    file: 'a.csv',
    bytes: `at,id,${NAMES.map((name) => `"${name.replaceAll('"', '""')}"`).join(',')}\n${AT},a,${NAMES.map((_, n) => n).join(',')}\n`,
    record: {
      fields: {
        id: { type: 'text', required: true },
        ...Object.fromEntries(NAMES.map((name, n) => [`f${n}`, { type: 'int' as const, from: name.trim() }])),
      },
    },
    rows: [row('a', ...NAMES.keys())],
  },
  {
    fear: 'json: names of members with quotes, dots and signs, of which some are unknown',
    file: 'a.ndjson',
    bytes: lines(`{"at":"${AT}","id":"a","we\\"ird":1,"a.b":2,"c":{"d.e":3},"':--":4,"":5}`),
    record: {
      fields: {
        id: { type: 'text', required: true },
        quoted: { type: 'int', from: 'we"ird' },
        dotted: { type: 'int', from: 'a.b' },
        deep: { type: 'int', from: 'c.d.e' },
      },
    },
    table: EXTRA,
    rows: [row('a', 1, 2, 3, '{"": 5, "\':--": 4}')],
  },
  {
    fear: 'csv: a column that is called __proto__, beside constructor and toString',
    file: 'a.csv',
    bytes: `at,id,__proto__,constructor,toString\n${AT},a,1,2,3\n`,
    record: {
      fields: Object.fromEntries<Field>([
        ['id', { type: 'text', required: true }],
        ['proto', { type: 'int', from: '__proto__' }],
        ['constructor', { type: 'int' }],
        ['valueOf', { type: 'int' }],
      ]),
    },
    table: EXTRA,
    rows: [row('a', 1, 2, '∅', '{"toString": "3"}')],
  },
  {
    fear: 'json: __proto__ that would give a record its id, and one that is an unknown field',
    file: 'a.ndjson',
    bytes: lines(json('"__proto__":{"id":"a","value":1}'), json('"id":"b","__proto__":{"value":7}')),
    table: EXTRA,
    rows: [row('b', '∅', '{"__proto__": {"value": 7}}')],
    refused: [['missing', 'field id is missing']],
  },
];
