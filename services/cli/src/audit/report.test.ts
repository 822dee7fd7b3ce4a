import type { AuditResult } from '@millrace/audit/result.ts';
import { expect, test } from 'vitest';
import { auditText, findingLine } from './report.ts';

const place = { state: 'different', partition: 1, topicId: 'abc', hour: '2026-01-02T03:00:00.000Z' } as const;

test('a difference is said with its place, what was expected and what was found', () => {
  expect(findingLine({ ...place, expected: 12_345, found: 12_344, text: 'rows stored, of those made' })).toBe(
    'partition 1, hour 2026-01-02T03:00Z, raw topic id abc: 12,344 of 12,345 rows stored, of those made',
  );
});

test('a line per check; ids and names keep their digits', () => {
  const result: AuditResult = {
    ...{ pipeline: 'default/t', startedAtMs: 0, tookMs: 1234, rows: 98_765, inFlight: 0 },
    state: 'different',
    checks: [
      {
        ...{ name: 'table', state: 'different', differenceRows: 1, notes: ['5000 expired'] },
        text: '98766 rows stored, 98765 in default.t1234',
        findings: [{ ...place, expected: 2, found: 1, text: 'rows in default.t1234' }],
      },
    ],
  };
  expect(auditText(result)).toBe(
    [
      'default/t: there is a DIFFERENCE (98,765 rows, 0 on their way, 1.2 s)',
      '  DIFFERENT  table: 98,766 rows stored, 98,765 in default.t1234',
      '             partition 1, hour 2026-01-02T03:00Z, raw topic id abc: 1 of 2 rows in default.t1234',
      '             (5,000 expired)',
    ].join('\n'),
  );
});
