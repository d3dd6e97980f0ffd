import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { compilePatterns } from '../../src/patterns/compile-patterns.ts';

const folder = fileURLToPath(new URL('../../../../../shared/conformance/event-patterns/', import.meta.url));
const present = existsSync(folder);
const because = present ? '' : ' (skipped: the recorded cases are not on this machine)';

interface MatchCase {
  readonly source: string;
  readonly rules: readonly { readonly name: string; readonly pattern: unknown }[];
  readonly event: unknown;
  readonly matched: readonly string[];
}

interface ValidityCase {
  readonly pattern: string;
  readonly valid: boolean;
}

function read(file: string): readonly unknown[] {
  if (!present) return [];
  const lines = readFileSync(`${folder}${file}`, 'utf8').trim().split('\n');
  return lines.map((line): unknown => JSON.parse(line));
}

const accepts = (pattern: string): boolean => {
  try {
    compilePatterns([{ name: 'p', pattern }]);
    return true;
  } catch (error) {
    expect((error as { code?: string }).code).toBe('LZ_PATTERN_INVALID');
    return false;
  }
};

describe('the cases recorded from the reference implementation', () => {
  it.runIf(present)(`match the same rules${because}`, () => {
    const cases = read('match.jsonl') as readonly MatchCase[];
    expect(cases.length).toBeGreaterThan(250);
    for (const { source, rules, event, matched } of cases) {
      const names = [...compilePatterns(rules).match(event)].sort();
      expect({ source, event, names }).toEqual({ source, event, names: [...matched].sort() });
    }
  });

  it.runIf(present)(`are accepted or refused alike${because}`, () => {
    for (const { pattern, valid } of read('validity.jsonl') as readonly ValidityCase[]) {
      expect({ pattern, valid: accepts(pattern) }).toEqual({ pattern, valid });
    }
  });
});
