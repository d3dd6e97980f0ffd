import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const MOST_NAMES = 60;

describe('the main entry of core', () => {
  it('exports at most 60 names', () => {
    const report = readFileSync(new URL('../etc/core.api.md', import.meta.url), 'utf8');
    const names = report.split('\n').filter((line) => /^(?:export \{|export )/.test(line));
    expect(names.length).toBeGreaterThan(10);
    expect(names.length).toBeLessThanOrEqual(MOST_NAMES);
  });
});
