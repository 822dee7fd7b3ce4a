import { expect, test } from 'vitest';
import { insertSql } from './inserts.ts';

test('every value of every row has a parameter of its own, in order', () => {
  expect(insertSql('"default".t (a, b)', 2, 3)).toBe('INSERT INTO "default".t (a, b) VALUES ($1, $2), ($3, $4), ($5, $6)');
});
