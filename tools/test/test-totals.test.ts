import { describe, expect, it } from 'vitest';
import { exitCodeOf, testTotals, totalsLine } from '../test-totals.mjs';

const passedFile = { status: 'passed', assertionResults: [{ status: 'passed' }, { status: 'passed' }] };

function report(change: object = {}): object {
  return {
    numPassedTests: 2,
    numFailedTests: 0,
    numPendingTests: 1,
    numTodoTests: 0,
    testResults: [passedFile],
    ...change,
  };
}

describe('totals of a test run', () => {
  it('count passed, failed and skipped tests', () => {
    expect(totalsLine(testTotals(report(), 0))).toBe('tests: 2 passed, 0 failed, 1 skipped');
  });

  it('count a file that cannot be loaded as 1 failure', () => {
    const broken = report({ testResults: [passedFile, { status: 'failed', assertionResults: [] }] });
    expect(testTotals(broken, 1)).toEqual({ passed: 2, failed: 1, skipped: 1 });
  });

  it('count a failed test once, not again for its file', () => {
    const failed = report({
      numFailedTests: 1,
      testResults: [{ status: 'failed', assertionResults: [{ status: 'failed' }] }],
    });
    expect(testTotals(failed, 1).failed).toBe(1);
  });

  it('count an unhandled error outside of tests as 1 failure', () => {
    expect(testTotals(report(), 1).failed).toBe(1);
  });

  it('count a run without a report as 1 failure', () => {
    expect(testTotals(undefined, 0)).toEqual({ passed: 0, failed: 1, skipped: 0 });
  });
});

describe('exit code of a test run', () => {
  it('is 0 only when something ran and nothing failed', () => {
    expect(exitCodeOf({ passed: 3, failed: 0 })).toBe(0);
    expect(exitCodeOf({ passed: 3, failed: 1 })).toBe(1);
    expect(exitCodeOf({ passed: 0, failed: 0 })).toBe(1);
  });
});
