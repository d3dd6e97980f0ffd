import type { NumericRange, ValueTest } from './value-test.ts';

/** Says in words what a list of matchers asks for: `"HARD"`, `prefix "web-" or absent`. */
export function describeTests(tests: readonly ValueTest[]): string {
  const shown = tests.slice(0, 5).map(describe);
  if (tests.length > shown.length) shown.push(`${tests.length - shown.length} more`);
  return shown.join(' or ');
}

function describe(test: ValueTest): string {
  switch (test.kind) {
    case 'equals':
      return JSON.stringify(test.value);
    case 'prefix':
    case 'suffix':
      return `${test.kind} ${JSON.stringify(test.text)}${test.ignoreCase ? ' in any case' : ''}`;
    case 'equals-ignore-case':
      return `${JSON.stringify(test.text)} in any case`;
    case 'wildcard':
      return `wildcard ${JSON.stringify(test.source)}`;
    case 'numeric':
      return describeRange(test.range);
    case 'cidr':
      return `an address in ${test.source}`;
    case 'anything-but':
      return `anything but ${describeTests(test.tests)}`;
    case 'exists':
      return 'any value';
    case 'absent':
      return 'no value';
  }
}

function describeRange({ low, lowInclusive, high, highInclusive }: NumericRange): string {
  if (low === high) return `the number ${low}`;
  const above = low === -Infinity ? undefined : `${lowInclusive ? 'at least' : 'more than'} ${low}`;
  const below = high === Infinity ? undefined : `${highInclusive ? 'at most' : 'less than'} ${high}`;
  return [above, below].filter((part) => part !== undefined).join(' and ');
}
