import { GUARDS } from '@millrace/core/guards.ts';
import { expect, test } from 'vitest';
import { guardsTakenOutIn, testsOfGuards } from './guardsPage.ts';

test('every guard has a test that takes it out', async () => {
  const tests = await testsOfGuards();
  expect([...tests.keys()]).toEqual(Object.keys(GUARDS));
  expect([...tests].filter(([, paths]) => paths.length === 0).map(([guard]) => guard)).toEqual([]);
});

test('a guard counts as tested where it is taken out, not where it is spoken of', () => {
  const text = `
    // 'second-look' is not meant here
    guardTest('a', {
      right: { kind: 'lost-gap' },
      without: { bookmark: { kind: 'log-end' } },
    });
    const scenario = {
      right: 1,
      without: {
        'cut-origin': 2,
        'origin-repeats': { twice: numbers(0, 20) },
      },
    };
  `;
  expect(guardsTakenOutIn(text)).toEqual(['bookmark', 'cut-origin', 'origin-repeats']);
});
