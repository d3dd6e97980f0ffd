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
import { FlatMatcher, LISTS, NOTHING } from './flat-matcher.ts';
import { IndexBuilder } from './index-builder.ts';
import type { Conjunction } from './parse-pattern.ts';
import { PlacedMatcher } from './placed-matcher.ts';
import { SmallMatcher } from './small-matcher.ts';

/** Compiled entries, each known by its position. */
export interface PatternIndex {
  /** Numbers of the entries that match, ascending, each once. */
  match(event: unknown): readonly number[];
  /** The same in other words: `labels[number]` for each. */
  labeled<T>(labels: readonly T[]): (event: unknown) => readonly T[];
  /** Entries that no literal, prefix, suffix or range leads to: they are tested for every event with their field. */
  readonly scanned: readonly number[];
}

/** Fields that are asked one by one at most; with more of them, reading the event once is cheaper. */
const MAX_ASKED_FIELDS = 16;
/** Keys of one path at most: each key more doubles the ways in which dots can spell it. */
const MAX_ASKED_KEYS = 6;

/** Compiles entries (patterns as branches) for matching. */
export function buildPatternIndex(entries: readonly (readonly Conjunction[])[]): PatternIndex {
  const builder = new IndexBuilder();
  for (const branches of entries) builder.add(branches);
  return toPatternIndex(builder.build());
}

/** Makes the matcher of a built index. */
export function toPatternIndex(index: BuiltIndex): PatternIndex {
  const placed = new PlacedMatcher(index);
  const flat = SmallMatcher.of(index) ?? (asksLittle(index) ? new FlatMatcher(index) : undefined);
  // Most events have one rule or none, without lists: they make one small list, or none.
  const match = (event: unknown): readonly number[] => {
    const first = flat === undefined ? LISTS : flat.find(event);
    if (first === LISTS) return inOrder(placed.match(event));
    if (first === NOTHING) return NO_ENTRIES;
    return flat?.several === undefined ? [first] : inOrder(flat.several);
  };
  const labeled = <T>(labels: readonly T[]): ((event: unknown) => readonly T[]) => {
    // A few lists are made now and shared; of many, each is made when it is asked for.
    const alone = labels.length > MAX_SHARED ? undefined : labels.map((label) => Object.freeze([label]));
    return (event) => {
      const first = flat === undefined ? LISTS : flat.find(event);
      if (first === NOTHING) return NO_ENTRIES as readonly never[];
      if (first !== LISTS && flat?.several === undefined) return alone?.[first] ?? [labels[first] as T];
      const numbers = first === LISTS ? placed.match(event) : (flat?.several ?? NO_ENTRIES);
      return inOrder(numbers).map((number) => labels[number] as T);
    };
  };
  return Object.freeze({ match, labeled, scanned: index.scanned });
}

/** Entries whose answers are made beforehand. */
const MAX_SHARED = 64;

/** What nothing matches: one list for all. */
const NO_ENTRIES: readonly number[] = Object.freeze([]);

function asksLittle({ root, reader }: BuiltIndex): boolean {
  return (
    root.paths.size <= MAX_ASKED_FIELDS &&
    reader.paths.every((path) => path.split('.').length <= MAX_ASKED_KEYS)
  );
}

function inOrder(found: readonly number[]): readonly number[] {
  return found.length < 2 ? found : [...new Set(found)].sort((left, right) => left - right);
}
