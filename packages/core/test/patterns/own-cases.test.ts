import { describe, expect, it } from 'vitest';
import { ConfigurationError } from '../../src/errors/lazarus-error.ts';
import { compilePatterns } from '../../src/patterns/compile-patterns.ts';
import events from './cases/events.json' with { type: 'json' };
import matchers from './cases/matchers.json' with { type: 'json' };
import refused from './cases/refused.json' with { type: 'json' };
import { matchesReference } from './reference-evaluator.ts';

type Event = Parameters<typeof matchesReference>[1];
type Pattern = Parameters<typeof matchesReference>[0];

interface EventCase {
  readonly title: string;
  readonly patterns: Readonly<Record<string, unknown>>;
  readonly event: unknown;
  readonly matched: readonly string[];
}

const shown = (value: unknown): string => JSON.stringify(value);

/** What either evaluator says about one matcher and one value, in a flat event, in a list, and among many other rules. */
function verdicts(matcher: unknown, value: unknown): Record<string, boolean> {
  const pattern = { a: [matcher] } as Pattern;
  const others = Array.from({ length: 40 }, (_, at) => ({
    name: `other-${at}`,
    pattern: { a: [`other-${at}`] },
  }));
  const hits = (rules: readonly { name: string; pattern: unknown }[], event: unknown): boolean =>
    compilePatterns(rules).match(event).includes('p');
  const event = { a: value } as Event;
  return {
    alone: hits([{ name: 'p', pattern }], event),
    amongOthers: hits([...others, { name: 'p', pattern }], event),
    nested: hits([{ name: 'p', pattern: { outer: pattern } }], { outer: event }),
    inList: hits([{ name: 'p', pattern: { outer: pattern } }], { outer: [event] }),
    reference: matchesReference(pattern, event),
  };
}

const all = (verdict: boolean) => ({
  alone: verdict,
  amongOthers: verdict,
  nested: verdict,
  inList: verdict,
  reference: verdict,
});

/** The reference evaluator reads addresses of version 4 only. */
const isV6 = (matcher: unknown): boolean => shown(matcher).includes('::');

describe('the cases of each matcher', () => {
  it.each(matchers.map((each) => ({ ...each, title: shown(each.matcher) })))(
    '$title',
    ({ matcher, matches, misses }) => {
      for (const [expected, values] of [
        [true, matches],
        [false, misses],
      ] as const) {
        for (const value of values as unknown[]) {
          const { reference, ...others } = verdicts(matcher, value);
          const wanted = { ...all(expected), reference: isV6(matcher) ? reference : expected };
          expect({ value, ...others, reference }).toEqual({ value, ...wanted });
        }
      }
    },
  );
});

describe('the cases of whole events', () => {
  it.each(events as readonly EventCase[])('$title', ({ patterns, event, matched }) => {
    const rules = Object.entries(patterns).map(([name, pattern]) => ({ name, pattern }));
    expect(compilePatterns(rules).match(event)).toEqual(matched);
    for (const { name, pattern } of rules) {
      const alone = compilePatterns([{ name, pattern }]).match(event).length === 1;
      const byReference = matchesReference(pattern as Pattern, event);
      expect({ name, alone, byReference }).toEqual({
        name,
        alone: matched.includes(name),
        byReference: alone,
      });
    }
  });
});

describe('the cases of refused patterns', () => {
  it.each(refused.map((each) => ({ ...each, title: shown(each.pattern) })))(
    '$title at "$path": $reason',
    ({ pattern, path, reason }) => {
      let issues: readonly { readonly path: string; readonly message: string }[] = [];
      try {
        compilePatterns([{ name: 'p', pattern }]);
      } catch (error) {
        if (!(error instanceof ConfigurationError)) throw error;
        expect(error.code).toBe('LZ_PATTERN_INVALID');
        issues = error.issues;
      }
      expect(issues[0]).toMatchObject({ path, message: expect.stringContaining(reason) as unknown });
    },
  );
});

describe('the cases', () => {
  it('are more than 400 in number and hold every matcher', () => {
    const ofMatchers = matchers.reduce((sum, { matches, misses }) => sum + matches.length + misses.length, 0);
    expect(ofMatchers + events.length + refused.length).toBeGreaterThan(400);
    const text = shown(matchers);
    for (const name of [
      'prefix',
      'suffix',
      'equals-ignore-case',
      'wildcard',
      'numeric',
      'exists',
      'anything-but',
      'cidr',
    ])
      expect(text).toContain(`{"${name}"`);
  });
});
