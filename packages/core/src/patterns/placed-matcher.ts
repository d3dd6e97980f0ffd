import type { Bucket, BuiltIndex, PathIndex } from './built-index.ts';
import type { Condition } from './condition.ts';
import { joinPlaces } from './event-fields.ts';
import type { FieldValue, Place } from './event-fields.ts';
import { foldCase } from './value-test.ts';
import type { Scalar } from './value-test.ts';

/**
 * Matches any event, also one with lists: fields have several values, and values must agree in their places. The scratch
 * fields are empty between two matches.
 */
export class PlacedMatcher {
  readonly #index: BuiltIndex;
  readonly #fields: (FieldValue[] | undefined)[] = [];
  readonly #present: number[] = [];
  #found: number[] = [];

  constructor(index: BuiltIndex) {
    this.#index = index;
  }

  /** Numbers of the entries that match, in any order, some perhaps more than once. */
  match(event: unknown): readonly number[] {
    this.#found = [];
    try {
      this.#index.reader.read(event, this.#fields, this.#present);
      this.#visit(this.#index.root, undefined);
    } finally {
      for (const path of this.#present) this.#fields[path] = undefined;
      this.#present.length = 0;
    }
    return this.#found.length < 2
      ? this.#found
      : [...new Set(this.#found)].sort((left, right) => left - right);
  }

  #visit(bucket: Bucket | undefined, place: Place): void {
    if (bucket === undefined) return;
    if (typeof bucket === 'number') this.#reach(bucket, place);
    else if (Array.isArray(bucket)) for (const leaf of bucket) this.#reach(leaf, place);
    else {
      this.#visit(bucket.always, place);
      if (bucket.paths.size < this.#present.length) {
        for (const [path, index] of bucket.paths) this.#visitPath(path, index, place);
      } else {
        for (const path of this.#present) {
          const index = bucket.paths.get(path);
          if (index !== undefined) this.#visitPath(path, index, place);
        }
      }
    }
  }

  #visitPath(path: number, index: PathIndex, place: Place): void {
    const values = this.#fields[path];
    if (values === undefined) return;
    this.#visit(index.presence, place);
    for (const found of values) {
      const joined = joinPlaces(place, found.place);
      if (joined !== false) this.#visitValue(found.value, index, joined);
    }
  }

  #visitValue(value: Scalar, index: PathIndex, place: Place): void {
    if (index.equals !== undefined) this.#visit(index.equals.get(value), place);
    if (typeof value === 'number') {
      index.ranges?.find(value, (bucket) => this.#visit(bucket, place));
    } else if (typeof value === 'string') {
      if (index.folded !== undefined) this.#visit(index.folded.get(foldCase(value)), place);
      for (const length of index.prefixes?.lengths ?? NONE) {
        if (length > value.length) break;
        this.#visit(index.prefixes?.texts.get(value.slice(0, length)), place);
      }
      for (const length of index.suffixes?.lengths ?? NONE) {
        if (length > value.length) break;
        this.#visit(index.suffixes?.texts.get(value.slice(value.length - length)), place);
      }
    }
  }

  #reach(leaf: number, place: Place): void {
    const { entryOf, residualOf, residuals } = this.#index;
    const residual = residuals[residualOf[leaf] ?? -1];
    if (residual === undefined) return;
    if (this.#holds(residual.conditions, 0, residual.whole ? undefined : place))
      this.#found.push(entryOf[leaf] ?? -1);
  }

  /** True when each condition has a value that passes, all of them in places that agree. */
  #holds(conditions: readonly Condition[], at: number, place: Place): boolean {
    const condition = conditions[at];
    if (condition === undefined) return true;
    let present = false;
    for (const found of this.#fields[condition.path] ?? NO_VALUES) {
      const joined = joinPlaces(place, found.place);
      if (joined === false) continue;
      present = true;
      if (condition.passes(found.value) && this.#holds(conditions, at + 1, joined)) return true;
    }
    return !present && condition.mayBeAbsent && this.#holds(conditions, at + 1, place);
  }
}

const NONE: readonly number[] = [];
const NO_VALUES: readonly FieldValue[] = [];
