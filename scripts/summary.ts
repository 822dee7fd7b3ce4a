/** What `make test` ends with: its counts, which say "failed" whenever anything did. */

/** What vitest's json reporter writes, as far as it is read here. */
export interface VitestReport {
  numPassedTests: number;
  numFailedTests: number;
  numPendingTests: number;
  numTodoTests: number;
  testResults: { status: string; name: string; assertionResults: { status: string }[] }[];
}

export interface Summary {
  passed: number;
  failed: number;
  skipped: number;
  /** Why more failed than tests did. */
  notes: string[];
}

/**
 * Adds up the checks (types, lint, ...) and vitest's report; each failed check counts as one failed test, and so does a test
 * file that could not be read, a run without a report, and a bad exit code that no failed test explains.
 */
export function summarise(
  checks: readonly { name: string; ok: boolean }[],
  exitCode: number | null,
  report: VitestReport | undefined,
): Summary {
  const notes = checks.filter(({ ok }) => !ok).map(({ name }) => `${name} failed`);
  if (report === undefined) notes.push('vitest left no report: it crashed or was ended');
  const unread = (report?.testResults ?? []).filter(
    ({ status, assertionResults }) => status === 'failed' && !assertionResults.some((each) => each.status === 'failed'),
  );
  notes.push(...unread.map(({ name }) => `${name} failed outside its tests`));
  const failedTests = report?.numFailedTests ?? 0;
  if (report !== undefined && report.numPassedTests + failedTests === 0) notes.push('no test ran');
  if (report !== undefined && exitCode !== 0 && failedTests + unread.length === 0)
    notes.push(`vitest ended with ${exitCode ?? 'a signal'}`);
  return {
    passed: (report?.numPassedTests ?? 0) + checks.filter(({ ok }) => ok).length,
    failed: failedTests + notes.length,
    skipped: (report?.numPendingTests ?? 0) + (report?.numTodoTests ?? 0),
    notes,
  };
}

/** The last line of the run. */
export function lastLine({ passed, failed, skipped }: Summary): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}
