import type { Bucket, BuiltIndex, IndexNode, PathIndex, Residual } from './built-index.ts';
import { foldCase } from './value-test.ts';
import type { Scalar } from './value-test.ts';

/** Stands for a field with a list on its way, or with more than one value. */
const MANY = Symbol('many');

type Read = Scalar | undefined | typeof MANY;

/**
 * Matches an event whose fields each have one value, as nearly all do: a field is read when the first condition asks for it,
 * and never when none does. An event with a list in a field that was asked for is left to the other matcher.
 */
export class FlatMatcher {
  readonly #index: BuiltIndex;
  /** For each path, every way to spell it with keys: `a.b` is `[a, b]` and `[a.b]`. */
  readonly #spellings: readonly (readonly Spelling[])[];
  readonly #values: Scalar[] = [];
  /** Match in which a value was read; an older one counts as unread. */
  readonly #readIn: Float64Array;
  #generation = 0;
  #event: unknown;
  #many = false;
  #found: number[] = [];

  constructor(index: BuiltIndex) {
    this.#index = index;
    this.#spellings = index.reader.paths.map((path) => spellingsOf(path.split('.')).map(toSpelling));
    this.#readIn = new Float64Array(index.reader.paths.length);
  }

  /** Numbers of the entries that match, in any order; `undefined` when the event has lists where it matters. */
  match(event: unknown): readonly number[] | undefined {
    if (typeof event !== 'object' || event === null || Array.isArray(event)) return undefined;
    this.#begin(event);
    this.#visitNode(this.#index.root);
    this.#event = undefined;
    return this.#many ? undefined : this.#found;
  }

  #begin(event: object): void {
    this.#generation += 1;
    this.#event = event;
    this.#many = false;
    this.#found = [];
  }

  #visitNode({ indexes, always }: IndexNode): void {
    if (always !== undefined) this.#visit(always);
    for (const index of indexes) {
      const value = this.#valueOf(index.path);
      if (value !== undefined) this.#visitValue(value, index);
      if (this.#many) return;
    }
  }

  #visit(bucket: Bucket): void {
    if (typeof bucket === 'number') this.#reach(bucket);
    else if (Array.isArray(bucket)) for (const leaf of bucket) this.#reach(leaf);
    else this.#visitNode(bucket);
  }

  #visitValue(value: Scalar, index: PathIndex): void {
    if (index.presence !== undefined) this.#visit(index.presence);
    const equal = index.equals?.get(value);
    if (equal !== undefined) this.#visit(equal);
    if (typeof value === 'number') index.ranges?.find(value, (bucket) => this.#visit(bucket));
    else if (typeof value === 'string') this.#visitText(value, index);
  }

  #visitText(value: string, { folded, prefixes, suffixes }: PathIndex): void {
    const same = folded?.get(foldCase(value));
    if (same !== undefined) this.#visit(same);
    if (prefixes !== undefined) {
      for (const length of prefixes.lengths) {
        const bucket = length > value.length ? undefined : prefixes.texts.get(value.slice(0, length));
        if (bucket !== undefined) this.#visit(bucket);
      }
    }
    if (suffixes !== undefined) {
      for (const length of suffixes.lengths) {
        const bucket =
          length > value.length ? undefined : suffixes.texts.get(value.slice(value.length - length));
        if (bucket !== undefined) this.#visit(bucket);
      }
    }
  }

  #reach(leaf: number): void {
    const { entryOf, residualOf, residuals } = this.#index;
    const residual = residuals[residualOf[leaf] ?? -1];
    if (residual !== undefined && this.#holds(residual)) this.#found.push(entryOf[leaf] ?? -1);
  }

  #holds({ conditions }: Residual): boolean {
    for (const condition of conditions) {
      const value = this.#valueOf(condition.path);
      if (value === undefined ? !condition.mayBeAbsent : !condition.passes(value)) return false;
    }
    return true;
  }

  #valueOf(path: number): Scalar | undefined {
    if (this.#readIn[path] === this.#generation) return this.#values[path];
    const value = this.#read(path);
    if (value === MANY) {
      this.#many = true;
      return undefined;
    }
    this.#readIn[path] = this.#generation;
    this.#values[path] = value as Scalar;
    return value;
  }

  #read(path: number): Read {
    let found: Read;
    for (const spelling of this.#spellings[path] ?? NONE) {
      const value = readKeys(this.#event as object, spelling);
      if (value === undefined) continue;
      if (found !== undefined || value === MANY) return MANY;
      found = value;
    }
    return found;
  }
}

const NONE: readonly Spelling[] = [];

/** One way to spell a path, and whether a key of it could be found on the prototype of every object. */
interface Spelling {
  readonly keys: readonly string[];
  readonly isInherited: boolean;
}

function toSpelling(keys: readonly string[]): Spelling {
  return { keys, isInherited: keys.some((key) => key in Object.prototype) };
}

function readKeys(event: object, { keys, isInherited }: Spelling): Read {
  let value: unknown = event;
  for (const key of keys) {
    if (typeof value !== 'object' || value === null) return undefined;
    if (Array.isArray(value)) return MANY;
    if (isInherited && !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<string, unknown>)[key];
    if (value === undefined) return undefined;
  }
  if (typeof value !== 'object' || value === null) return value as Scalar;
  return Array.isArray(value) ? MANY : undefined;
}

/** Every way to join neighboring keys with dots, the one without dots first. */
function spellingsOf(keys: readonly string[]): readonly (readonly string[])[] {
  const [first = '', ...rest] = keys;
  if (rest.length === 0) return [[first]];
  const below = spellingsOf(rest);
  return [
    ...below.map((spelling) => [first, ...spelling]),
    ...below.map(([head = '', ...tail]) => [`${first}.${head}`, ...tail]),
  ];
}
