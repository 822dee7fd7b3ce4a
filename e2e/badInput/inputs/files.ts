/** Files that are not as a file should be: the beginning, line ends, quotes, columns, compression, encoding, sizes. */
import { gzipSync } from 'node:zlib';
import { AT, type BadInput, csv, json, lines, row } from '../badInput.ts';

const MARK = '\ufeff';
const TEN_MEGABYTES = 'x'.repeat(10_000_000);
/** A whole member, and the beginning of another one. */
const truncated = (text: string): Buffer =>
  Buffer.concat([gzipSync(text), gzipSync('never to be read'.repeat(99)).subarray(0, 40)]);
const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');

export const FILES: readonly BadInput[] = [
  { fear: 'csv: a header only', file: 'a.csv', bytes: csv(), rows: [] },
  { fear: 'csv: nothing at all', file: 'a.csv', bytes: '', rows: [] },
  { fear: 'json: an empty array', file: 'a.json', bytes: '[]', rows: [] },
  { fear: 'csv: a byte order mark', file: 'a.csv', bytes: MARK + csv('a,1'), rows: [row('a', 1)] },
  { fear: 'json: a byte order mark', file: 'a.json', bytes: `${MARK}[${json('"id":"a","value":1')}]`, rows: [row('a', 1)] },
  {
    fear: 'ndjson: a byte order mark, CRLF and blank lines',
    file: 'a.ndjson',
    bytes: `${MARK}${json('"id":"a"')}\r\n\r\n${json('"id":"b"')}\r\n`,
    rows: [row('a', '∅'), row('b', '∅')],
  },
  {
    fear: 'csv: CRLF, CR and LF in one file',
    file: 'a.csv',
    bytes: `at,id,value\r\n${AT},a,1\r${AT},b,2\n${AT},c,3`,
    rows: [row('a', 1), row('b', 2), row('c', 3)],
  },
  {
    fear: 'csv: a newline within quotes',
    file: 'a.csv',
    bytes: csv('"a\r\n""b""\n",1', 'c,2'),
    rows: [row('a\r\n"b"\n', 1), row('c', 2)],
  },
  {
    fear: 'csv: a quote that is not closed',
    file: 'a.csv',
    bytes: csv('a,1', '"b,2', 'c,3'),
    rows: [row('a', 1), row('c', 3)],
    refused: [['parse', 'Quote Not Closed', `${AT},"b,2`]],
  },
  {
    fear: 'json: a newline within quotes',
    file: 'a.json',
    bytes: `[${json('"id":"a\nb"')},${json('"id":"c\\nd"')}]`,
    rows: [row('c\nd', '∅')],
    refused: [['parse', 'Bad control character in string', json('"id":"a\nb"')]],
  },
  {
    fear: 'csv: a column that is missing and required',
    file: 'a.csv',
    bytes: `at,value\n${AT},1\n`,
    rows: [],
    refused: [['missing', 'field id is missing; it is required', `{"at":"${AT}","value":"1"}`]],
  },
  { fear: 'csv: a column that is missing and not required', file: 'a.csv', bytes: `at,id\n${AT},a\n`, rows: [row('a', '∅')] },
  {
    fear: 'csv: rows with too few and too many values',
    file: 'a.csv',
    bytes: csv('a', 'b,2', 'c,3,4'),
    rows: [row('b', 2)],
    refused: [
      ['parse', 'at byte 12 of', `${AT},a`],
      ['parse', 'the csv row has 4 values; the header names 3 columns', `${AT},c,3,4`],
    ],
  },
  {
    fear: 'json: members that are missing, null or empty',
    file: 'a.ndjson',
    bytes: lines(json('"id":"a"'), json('"value":1'), '{"id":"c"}', json('"id":"","value":""'), json('"id":"e","value":null')),
    rows: [row('a', '∅'), row('e', '∅')],
    refused: [
      ['missing', 'field id is missing'],
      ['missing', 'field time (from at) is missing'],
      ['missing', 'field id is missing'],
    ],
  },
  {
    fear: 'csv: a .gz that was cut',
    file: 'a.csv.gz',
    bytes: truncated(csv('a,1', 'b,2')),
    rows: [row('a', 1), row('b', 2)],
    stops: 'a.csv.gz is no whole gzip file: unexpected end of file after',
  },
  {
    fear: 'ndjson: a .gz that was cut within a line',
    file: 'a.ndjson.gz',
    bytes: truncated(`${json('"id":"a","value":1')}\n{"at":"${AT}","i`),
    rows: [row('a', 1)],
    stops: 'a.ndjson.gz is no whole gzip file: unexpected end of file after',
  },
  {
    fear: 'json: an array that was cut',
    file: 'a.json',
    bytes: `[${json('"id":"a","value":1')},{"at":"${AT}","i`,
    rows: [row('a', 1)],
    stops: 'ends within the record that began at byte 50; what stands before it was read',
  },
  {
    fear: 'csv: bytes that are no UTF-8',
    file: 'a.csv',
    bytes: latin1(csv('M\xfcller,1', 'b,2')),
    rows: [row('b', 2)],
    refused: [['parse', 'the csv row is no UTF-8 text', latin1(`${AT},M\xfcller,1`)]],
  },
  {
    fear: 'csv: a header that is no UTF-8',
    file: 'a.csv',
    bytes: latin1(`at,id,gr\xf6\xdfe\n${AT},a,1\n`),
    rows: [],
    stops: 'is no UTF-8 text; set source.replay.encoding, or save the file as UTF-8',
  },
  {
    fear: 'ndjson: bytes that are no UTF-8, and such that UTF-8 forbids',
    file: 'a.ndjson',
    bytes: Buffer.concat([
      latin1(`${json('"id":"M\xfcller"')}\n`),
      latin1(`${json('"id":"\xc0\x80"')}\n`), // a NUL in two bytes
      latin1(`${json('"id":"\xed\xa0\x80"')}\n`), // half a surrogate pair
      Buffer.from(`${json('"id":"Müller"')}\n`),
    ]),
    rows: [row('Müller', '∅')],
    refused: [
      ['parse', 'not UTF-8: the bytes are no valid UTF-8 text', latin1(json('"id":"M\xfcller"'))],
      ['parse', 'not UTF-8', latin1(json('"id":"\xc0\x80"'))],
      ['parse', 'not UTF-8', latin1(json('"id":"\xed\xa0\x80"'))],
    ],
  },
  {
    fear: 'csv: a line of 10 MB',
    file: 'a.csv',
    bytes: csv('a,1', `${TEN_MEGABYTES},2`, 'c,3'),
    rows: [row('a', 1), row('c', 3)],
    refused: [['size', 'has 10000023 bytes; allowed are at most 1048576 (spec.record.maxBytes)', `${AT},${'x'.repeat(65_515)}`]],
  },
  {
    fear: 'ndjson: a line of 10 MB',
    file: 'a.ndjson',
    bytes: lines(json('"id":"a"'), json(`"id":"${TEN_MEGABYTES}"`), json('"id":"c"')),
    rows: [row('a', '∅'), row('c', '∅')],
    refused: [['size', 'allowed are at most 1048576 (spec.record.maxBytes)']],
  },
  {
    fear: 'json: an element of 10 MB',
    file: 'a.json',
    bytes: `[${json('"id":"a"')},\n${json(`"id":"${TEN_MEGABYTES}"`)},\n${json('"id":"c"')}]`,
    rows: [row('a', '∅'), row('c', '∅')],
    refused: [['size', 'allowed are at most 1048576 (spec.record.maxBytes)']],
  },
  {
    fear: 'a picture that is called csv',
    file: 'a.csv',
    bytes: Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13]),
    rows: [],
    stops: 'is no text file: byte 8 is NUL; allowed is UTF-8 text',
  },
];
