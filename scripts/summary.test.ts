import { expect, test } from 'vitest';
import { lastLine, summarise, type VitestReport } from './summary.ts';

const good: VitestReport = { numPassedTests: 5, numFailedTests: 0, numPendingTests: 0, numTodoTests: 0, testResults: [] };
const fine = [{ name: 'types', ok: true }];
const broken = { status: 'failed', name: 'x.test.ts', assertionResults: [] };
const withFailure = { status: 'failed', name: 'y.test.ts', assertionResults: [{ status: 'failed' }] };

test.each<[string, Parameters<typeof summarise>, string]>([
  ['all is well', [fine, 0, good], '6 passed, 0 failed'],
  ['some were skipped', [fine, 0, { ...good, numPendingTests: 1, numTodoTests: 1 }], '6 passed, 0 failed, 2 skipped'],
  ['a test failed', [fine, 1, { ...good, numFailedTests: 1, testResults: [withFailure] }], '6 passed, 1 failed'],
  ['a check failed', [[{ name: 'types', ok: false }], 0, good], '5 passed, 1 failed'],
  ['a test file could not be read', [fine, 1, { ...good, testResults: [broken] }], '6 passed, 1 failed'],
  ['vitest crashed', [fine, null, undefined], '1 passed, 1 failed'],
  ['no test ran', [fine, 0, { ...good, numPassedTests: 0 }], '1 passed, 1 failed'],
  ['an error came outside of all tests', [fine, 1, good], '6 passed, 1 failed'],
])('%s', (_, input, line) => expect(lastLine(summarise(...input))).toBe(line));
