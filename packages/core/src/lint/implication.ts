import { canonicalJson } from '../config/canonical-json.ts';
import type { Conjunction, FieldCondition } from '../patterns/parse-pattern.ts';
import { testValue } from '../patterns/test-value.ts';
import type { NumericRange, ValueTest } from '../patterns/value-test.ts';

/**
 * True when every event that matches `narrow` surely matches `wide`. It errs to the side of `false`: what it calls covered is
 * covered.
 */
export function covers(wide: Conjunction, narrow: Conjunction): boolean {
  return wide.every((condition) =>
    narrow.some((other) => other.path === condition.path && implies(other, condition)),
  );
}

function implies(narrow: FieldCondition, wide: FieldCondition): boolean {
  return narrow.tests.every((test) => wide.tests.some((other) => within(test, other)));
}

function within(narrow: ValueTest, wide: ValueTest): boolean {
  if (wide.kind === 'exists') return narrow.kind !== 'absent';
  if (narrow.kind === 'absent' || wide.kind === 'absent') return narrow.kind === wide.kind;
  if (narrow.kind === 'equals') return testValue(wide, narrow.value);
  if (narrow.kind === 'numeric' && wide.kind === 'numeric') return rangeWithin(narrow.range, wide.range);
  if (narrow.kind === 'prefix' && wide.kind === 'prefix' && !narrow.ignoreCase)
    return testValue(wide, narrow.text);
  if (narrow.kind === 'suffix' && wide.kind === 'suffix' && !narrow.ignoreCase)
    return testValue(wide, narrow.text);
  return canonicalJson(narrow) === canonicalJson(wide);
}

function rangeWithin(narrow: NumericRange, wide: NumericRange): boolean {
  const low =
    narrow.low > wide.low || (narrow.low === wide.low && (wide.lowInclusive || !narrow.lowInclusive));
  const high =
    narrow.high < wide.high || (narrow.high === wide.high && (wide.highInclusive || !narrow.highInclusive));
  return low && high;
}
