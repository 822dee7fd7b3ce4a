import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { consequenceOf, sqlStateOf } from './errors.ts';

describe('what an SQLSTATE means for a row', () => {
  test.each([
    ['22003', 'row', 'numeric value out of range'],
    ['22021', 'row', 'NUL in text'],
    ['22P02', 'row', 'invalid text representation'],
    ['23502', 'row', 'NOT NULL violated'],
    ['23505', 'row', 'unique violated'],
    ['23514', 'row', 'check violated'],
    ['40001', 'retry', 'serialization failure'],
    ['40P01', 'retry', 'deadlock'],
    ['40003', 'pause', 'statement completion unknown'],
    ['42P01', 'pause', 'no such table'],
    ['42703', 'pause', 'no such column'],
    ['53100', 'pause', 'disk full'],
    ['25006', 'pause', 'read only'],
    ['57014', 'pause', 'cancelled'],
    ['55P03', 'pause', 'lock not available'],
    ['21000', 'pause', 'two rows of one key in an ON CONFLICT batch: our fault, not the row’s'],
    ['MR001', 'pause', 'position moved (handled before by whoever knows it)'],
    ['220033', 'pause', 'no SQLSTATE'],
    [undefined, 'pause', 'no answer'],
  ] as const)('%s: %s (%s)', (sqlState, consequence, _meaning) => {
    expect(consequenceOf(sqlState)).toBe(consequence);
  });
});

describe('only an error that the server sent has an SQLSTATE', () => {
  const fromServer = Object.assign(new pg.DatabaseError('x', 1, 'error'), { severity: 'ERROR', code: '22P02' });
  test.each([
    [fromServer, '22P02'],
    [Object.assign(new Error('x'), { code: 'EPIPE' }), undefined],
    [Object.assign(new Error('x'), { code: '22P02' }), undefined],
    [new Error('Query read timeout'), undefined],
    ['22P02', undefined],
    [null, undefined],
  ])('%#', (error, expected) => {
    expect(sqlStateOf(error)).toBe(expected);
  });
});
