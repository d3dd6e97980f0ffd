import type { Cidr } from './cidr.ts';

/** A leaf of an event: what matchers look at. */
export type Scalar = string | number | boolean | null;

/** One matcher of a pattern, parsed. */
export type ValueTest =
  | { readonly kind: 'equals'; readonly value: Scalar }
  | { readonly kind: 'prefix'; readonly text: string; readonly ignoreCase: boolean }
  | { readonly kind: 'suffix'; readonly text: string; readonly ignoreCase: boolean }
  | { readonly kind: 'equals-ignore-case'; readonly text: string }
  | { readonly kind: 'wildcard'; readonly pieces: readonly string[]; readonly source: string }
  | { readonly kind: 'numeric'; readonly range: NumericRange }
  | { readonly kind: 'cidr'; readonly cidr: Cidr; readonly source: string }
  | { readonly kind: 'anything-but'; readonly tests: readonly ValueTest[] }
  | { readonly kind: 'exists' }
  | { readonly kind: 'absent' };

/** Numbers from `low` to `high`; either end may be infinite. */
export interface NumericRange {
  readonly low: number;
  readonly lowInclusive: boolean;
  readonly high: number;
  readonly highInclusive: boolean;
}

/** Text as it compares without regard to case. */
export function foldCase(text: string): string {
  return text.toLowerCase();
}

/** True when the number lies in the range. */
export function inRange(value: number, range: NumericRange): boolean {
  const aboveLow = range.lowInclusive ? value >= range.low : value > range.low;
  return aboveLow && (range.highInclusive ? value <= range.high : value < range.high);
}
