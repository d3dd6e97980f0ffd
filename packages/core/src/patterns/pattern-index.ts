/**
 * The index of many patterns.
 *
 * 1. Every pattern is a set of branches (conjunctions of conditions); equal conditions are compiled once and shared.
 * 2. Each branch is filed under the most selective of its conditions: a hash of literals, a hash of prefixes or suffixes by
 *    length, a tree of numeric ranges; failing that under the presence of a field.
 * 3. A place with many branches is an index again, over their remaining conditions.
 * 4. A match reads the fields that any pattern names once, follows each of them into the index, and tests only the
 *    conditions that the way there has not answered.
 * Nothing changes after it was built but a scratch area that a match cleans up behind itself: a match is synchronous.
 */
import type { BuiltIndex } from './built-index.ts';
import { FlatMatcher } from './flat-matcher.ts';
import { IndexBuilder } from './index-builder.ts';
import type { Conjunction } from './parse-pattern.ts';
import { PlacedMatcher } from './placed-matcher.ts';

/** Compiled entries, each known by its position. */
export interface PatternIndex {
  /** Numbers of the entries that match, ascending, each once. */
  match(event: unknown): readonly number[];
  /** Entries that no literal, prefix, suffix or range leads to: they are tested for every event with their field. */
  readonly scanned: readonly number[];
}

/** Fields that are asked one by one at most; with more of them, reading the event once is cheaper. */
const MAX_ASKED_FIELDS = 16;
/** Keys of one path at most: each key more doubles the ways in which dots can spell it. */
const MAX_ASKED_KEYS = 6;

/** Compiles entries (patterns as branches) for matching. */
export function buildPatternIndex(entries: readonly (readonly Conjunction[])[]): PatternIndex {
  const index = new IndexBuilder().build(entries);
  const placed = new PlacedMatcher(index);
  const flat = asksLittle(index) ? new FlatMatcher(index) : undefined;
  return Object.freeze({
    match: (event: unknown) => inOrder(flat?.match(event) ?? placed.match(event)),
    scanned: index.scanned,
  });
}

function asksLittle({ root, reader }: BuiltIndex): boolean {
  return (
    root.paths.size <= MAX_ASKED_FIELDS &&
    reader.paths.every((path) => path.split('.').length <= MAX_ASKED_KEYS)
  );
}

function inOrder(found: readonly number[]): readonly number[] {
  return found.length < 2 ? found : [...new Set(found)].sort((left, right) => left - right);
}
