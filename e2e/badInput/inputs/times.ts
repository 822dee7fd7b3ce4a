/** Times that never were, come twice, or lie at the ends of the calendar. */
import type { BadInput } from '../badInput.ts';

const lines = (...texts: readonly string[]): string =>
  ['at,id,value', ...texts.map((text, n) => `${text},${n},1`), ''].join('\n');
const CHICAGO = { time: { field: 'at', format: 'yyyy-MM-dd HH:mm:ss', zone: 'America/Chicago' } };

export const TIMES: readonly BadInput[] = [
  {
    fear: 'a time that the clocks skipped, and one that they passed twice',
    file: 'a.csv',
    bytes: lines('2024-03-10 01:59:59', '2024-03-10 02:30:00', '2024-03-10 03:00:00', '2024-11-03 01:30:00'),
    record: CHICAGO,
    rows: ['2024-03-10 07:59:59+00|0|1', '2024-03-10 08:00:00+00|2|1', '2024-11-03 06:30:00+00|3|1'],
    refused: [
      [
        'time',
        'field time (from at) is "2024-03-10 02:30:00"; the clocks of America/Chicago skipped it; allowed is a time that was',
      ],
    ],
  },
  {
    fear: 'the years 9999, 0001, and those beyond them',
    file: 'a.csv',
    bytes: lines(
      '9999-12-31T23:59:59.999999999Z',
      '9999-12-31T23:59:59-01:00',
      '10000-01-01T00:00:00Z',
      '0001-01-01T00:00:00Z',
      '0001-01-01T00:00:00+01:00',
      '0000-06-01T00:00:00Z',
      '-0001-01-01T00:00:00Z',
      '0001-01-01T00:00:00Z BC',
    ),
    table: { retain: '20y' },
    rollups: [{ every: '1w', of: ['value'] }],
    rows: ['9999-12-31 23:59:59.999999+00|0|1', '0001-01-01 00:00:00+00|3|1'],
    refused: [
      ['time', 'the time is out of range; allowed are the years 0001 to 9999'],
      ['time', 'field time (from at) is "10000-01-01T00:00:00Z"; it is no such time; allowed is ISO 8601'],
      ['time', 'allowed are the years 0001 to 9999'],
      ['time', 'allowed are the years 0001 to 9999'],
      ['time', 'it is no such time; allowed is ISO 8601'],
      ['time', 'it is no such time; allowed is ISO 8601'],
    ],
  },
  {
    fear: 'words that PostgreSQL would take for a time, and dates that are none',
    file: 'a.csv',
    bytes: lines('now', 'infinity', 'epoch', '2023-02-29T00:00:00Z', '2024-02-29T24:00:00Z', '2024-01-01T00:00:60Z', ''),
    rows: ['2024-03-01 00:00:00+00|4|1'],
    refused: [
      ['time', '"now"; it is no such time'],
      ['time', '"infinity"; it is no such time'],
      ['time', '"epoch"; it is no such time'],
      ['time', '"2023-02-29T00:00:00Z"; it is no such time'],
      ['time', '"2024-01-01T00:00:60Z"; it is no such time'],
      ['missing', 'field time (from at) is missing'],
    ],
  },
  {
    fear: 'epoch times in the wrong unit, with fractions and before 1970',
    file: 'a.csv',
    bytes: lines('1594512094.385974001', '1594512094385', '-1.5', '1e9', 'NaN'),
    record: { time: { field: 'at', format: 'epoch_s' } },
    rows: ['2020-07-12 00:01:34.385974+00|0|1', '1969-12-31 23:59:58.5+00|2|1', '2001-09-09 01:46:40+00|3|1'],
    refused: [
      ['time', '"1594512094385"; the time is out of range; allowed are the years 0001 to 9999'],
      ['time', '"NaN"; it is no number; allowed is epoch_s'],
    ],
  },
];
