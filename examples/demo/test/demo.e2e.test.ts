import { LADDER } from '@lazarus/core';
import { describe, expect, it } from 'vitest';
import { lastLine, runProgram } from './program.ts';

const TIMEOUT_MS = 120_000;

describe('the demo', () => {
  it(
    'replaces a killed host within 20 s, gate by gate, with 3 of 3 votes and no failed request once it is out',
    { timeout: TIMEOUT_MS },
    async () => {
      const ended = await runProgram('demo', []);
      expect(ended.stderr).toBe('');
      const result = lastLine(ended);
      expect(result).toEqual({
        outcome: 'remediated',
        service: 'web',
        failed_host: expect.stringMatching(/^web-\d$/) as unknown,
        replacement: expect.stringMatching(/^web-\d-r[0-9a-f]{6}$/) as unknown,
        votes: '3/3',
        seconds_detect: expect.any(Number) as unknown,
        seconds_total: expect.any(Number) as unknown,
        page: 'resolved',
        forensics: true,
      });
      expect((result as { seconds_total: number }).seconds_total).toBeLessThan(20);
      for (const { title } of LADDER) expect(ended.stdout).toContain(title);
      expect(ended.stdout).toMatch(/ 0 after that/);
      expect(ended.code).toBe(0);
    },
  );

  it(
    'replaces nothing when a shared dependency breaks, and escalates every page',
    { timeout: TIMEOUT_MS },
    async () => {
      const ended = await runProgram('demo', ['--scenario', 'dependency']);
      expect(ended.stderr).toBe('');
      expect(lastLine(ended)).toMatchObject({
        outcome: 'escalated',
        service: 'web',
        replaced: 0,
        page: 'escalated',
        why: expect.stringMatching(/escalate/) as unknown,
      });
      expect(ended.code).toBe(0);
    },
  );

  it('replaces nothing when Nagios reports a healthy host as down', { timeout: TIMEOUT_MS }, async () => {
    const ended = await runProgram('demo', ['--scenario', 'false-alarm']);
    expect(ended.stderr).toBe('');
    expect(lastLine(ended)).toMatchObject({
      outcome: 'escalated',
      reason: 'precondition_failed',
      replaced: 0,
      page: 'escalated',
      why: expect.stringMatching(/HealthCheckDown/) as unknown,
    });
    expect(ended.code).toBe(0);
  });

  it('refuses a scenario that does not exist with exit code 2 and the names of those that do', async () => {
    const ended = await runProgram('demo', ['--scenario', 'meteor']);
    expect(ended.code).toBe(2);
    expect(ended.stderr).toMatch(/meteor.*replace, dependency, false-alarm/);
  });
});
