import type { Bucket, BuiltIndex, PathIndex, TextIndex } from './built-index.ts';
import { passes } from './condition.ts';
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
    return this.#found;
  }

  #visit(bucket: Bucket | undefined, place: Place): void {
    if (bucket === undefined) return;
    if (typeof bucket === 'number') this.#reach(bucket, place);
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
      const inRange: Bucket[] = [];
      index.ranges?.find(value, inRange);
      for (const bucket of inRange) this.#visit(bucket, place);
    } else if (typeof value === 'string') {
      if (index.texts !== undefined) this.#visitText(value, index.texts, place);
    }
  }

  #visitText(value: string, { folded, prefixes, suffixes }: TextIndex, place: Place): void {
    if (folded !== undefined) this.#visit(folded.get(foldCase(value)), place);
    for (const length of prefixes?.lengths ?? NONE) {
      if (length > value.length) break;
      this.#visit(prefixes?.texts.get(value.slice(0, length)), place);
    }
    for (const length of suffixes?.lengths ?? NONE) {
      if (length > value.length) break;
      this.#visit(suffixes?.texts.get(value.slice(value.length - length)), place);
    }
  }

  /** Tests the leaves of one place. */
  #reach(first: number, place: Place): void {
    const { leaves, residuals } = this.#index;
    for (let at = first * 2; at < leaves.length; at += 2) {
      const coded = leaves[at + 1] ?? -1;
      const residual = residuals[coded < 0 ? ~coded : coded];
      if (residual !== undefined && this.#holds(residual.conditions, 0, residual.whole ? undefined : place))
        this.#found.push(leaves[at] ?? -1);
      if (coded < 0) return;
    }
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
      if (passes(condition, found.value) && this.#holds(conditions, at + 1, joined)) return true;
    }
    return !present && condition.mayBeAbsent && this.#holds(conditions, at + 1, place);
  }
}

const NONE: readonly number[] = [];
const NO_VALUES: readonly FieldValue[] = [];
