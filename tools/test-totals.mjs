// What the last line of `npm test` says.

/**
 * Totals of one vitest run, from its JSON report.
 * A file that broke before its first test, and a run that broke otherwise, count as one failure each: a run that did
 * not happen must never look like a run that passed.
 * @param report the parsed report; undefined when vitest wrote none
 * @param {number} exitCode of vitest
 */
export function testTotals(report, exitCode) {
  if (report === undefined) return { passed: 0, failed: 1, skipped: 0 };
  const brokenFiles = report.testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
  ).length;
  const failed = report.numFailedTests + brokenFiles;
  return {
    passed: report.numPassedTests,
    failed: failed === 0 && exitCode !== 0 ? 1 : failed,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

/** Exit code of a run: zero only when something ran and nothing failed. */
export function exitCodeOf({ passed, failed }) {
  return failed > 0 || passed === 0 ? 1 : 0;
}

export function totalsLine({ passed, failed, skipped }) {
  return `tests: ${passed} passed, ${failed} failed, ${skipped} skipped`;
}
