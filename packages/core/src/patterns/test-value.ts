import { inCidr } from './cidr.ts';
import { foldCase, inRange } from './value-test.ts';
import type { Scalar, ValueTest } from './value-test.ts';
import { matchesWildcard } from './wildcard.ts';

/** True when a value passes the test. `absent` is about fields, never about a value. */
export function testValue(test: ValueTest, value: Scalar): boolean {
  switch (test.kind) {
    case 'equals':
      return value === test.value;
    case 'prefix':
      return (
        typeof value === 'string' &&
        (test.ignoreCase ? foldCase(value).startsWith(foldCase(test.text)) : value.startsWith(test.text))
      );
    case 'suffix':
      return (
        typeof value === 'string' &&
        (test.ignoreCase ? foldCase(value).endsWith(foldCase(test.text)) : value.endsWith(test.text))
      );
    case 'equals-ignore-case':
      return typeof value === 'string' && foldCase(value) === foldCase(test.text);
    case 'wildcard':
      return typeof value === 'string' && matchesWildcard(test.pieces, value);
    case 'numeric':
      return typeof value === 'number' && inRange(value, test.range);
    case 'cidr':
      return typeof value === 'string' && inCidr(value, test.cidr);
    case 'anything-but':
      return !test.tests.some((inner) => testValue(inner, value));
    case 'exists':
      return true;
    case 'absent':
      return false;
  }
}
