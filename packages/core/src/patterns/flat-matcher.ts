import type {
  AffixIndex,
  Bucket,
  BuiltIndex,
  IndexNode,
  PathIndex,
  Residual,
  TextIndex,
} from './built-index.ts';
import { passes } from './condition.ts';
import type { Condition } from './condition.ts';
import type { Fields } from './field-key.ts';
import { isMany, readField } from './field-path.ts';
import type { FieldPath, Read } from './field-path.ts';
import { foldCase } from './value-test.ts';
import type { Scalar } from './value-test.ts';
import type { ValueMap } from './value-map.ts';

/** No entry matches. */
export const NOTHING = -1;
/** Only the other matcher can tell. */
export const LISTS = -2;

/** The only way into an index whose every branch pins the same field to a literal, as rules of services do. */
interface OneWay {
  readonly field: FieldPath;
  readonly equals: ValueMap<Bucket>;
}

/**
 * Matches an event whose fields each have one value, as nearly all do: a field is read when a condition asks for it. An event
 * with a list in a field that was asked for is left to the other matcher.
 */
export class FlatMatcher {
  readonly #root: IndexNode;
  readonly #oneWay: OneWay | undefined;
  readonly #leaves: Int32Array;
  readonly #residuals: readonly Residual[];
  /** Places that a range led to and that were not visited yet. */
  readonly #waiting: Bucket[] = [];
  #hasMany = false;
  /** Most events have one at most, and need no list until the end. */
  #first = NOTHING;
  #several: number[] | undefined;

  constructor({ root, leaves, residuals }: BuiltIndex) {
    this.#root = root;
    this.#leaves = leaves;
    this.#residuals = residuals;
    this.#oneWay = oneWayOf(root);
  }

  /**
   * The first entry found; `NOTHING` when none matches, `LISTS` when the event has lists where it matters. Others are in
   * {@link FlatMatcher.several} until the next call, in any order, some perhaps more than once.
   */
  find(event: unknown): number {
    if (typeof event !== 'object' || event === null || Array.isArray(event)) return LISTS;
    this.#first = NOTHING;
    this.#several = undefined;
    this.#hasMany = false;
    const oneWay = this.#oneWay;
    if (oneWay === undefined) this.#visitNode(event as Fields, this.#root);
    else this.#go(event as Fields, oneWay);
    return this.#entry();
  }

  /** What was found; a method of its own, because the compiler does not see that a visit changes the fields. */
  #entry(): number {
    return this.#hasMany ? LISTS : this.#first;
  }

  /** All entries found, when there are several. */
  get several(): readonly number[] | undefined {
    return this.#several;
  }

  #go(event: Fields, { field, equals }: OneWay): void {
    const value = readField(event, field);
    if (value === undefined) return;
    if (isMany(value)) this.#hasMany = true;
    else {
      const bucket = equals.get(value);
      if (bucket !== undefined) this.#visit(event, bucket);
    }
  }

  #visitNode(event: Fields, { indexes, always }: IndexNode): void {
    if (always !== undefined) this.#visit(event, always);
    for (const index of indexes) {
      if (this.#hasMany) return;
      const value = readField(event, index.field);
      if (isMany(value)) this.#hasMany = true;
      else if (value !== undefined) this.#visitValue(event, value, index);
    }
  }

  #visit(event: Fields, bucket: Bucket): void {
    if (typeof bucket === 'number') this.#reach(event, bucket);
    else this.#visitNode(event, bucket);
  }

  #visitValue(event: Fields, value: Scalar, { presence, equals, texts, ranges }: PathIndex): void {
    if (presence !== undefined) this.#visit(event, presence);
    const equal = equals?.get(value);
    if (equal !== undefined) this.#visit(event, equal);
    if (texts !== undefined && typeof value === 'string') this.#visitText(event, value, texts);
    if (ranges === undefined || typeof value !== 'number') return;
    const waiting = this.#waiting;
    const before = waiting.length;
    ranges.find(value, waiting);
    while (waiting.length > before) {
      const bucket = waiting.pop();
      if (bucket !== undefined) this.#visit(event, bucket);
    }
  }

  #visitText(event: Fields, value: string, { folded, prefixes, suffixes }: TextIndex): void {
    const same = folded?.get(foldCase(value));
    if (same !== undefined) this.#visit(event, same);
    if (prefixes !== undefined) this.#visitAffix(event, value, prefixes, false);
    if (suffixes !== undefined) this.#visitAffix(event, value, suffixes, true);
  }

  #visitAffix(event: Fields, value: string, { lengths, texts }: AffixIndex, isSuffix: boolean): void {
    for (const length of lengths) {
      if (length > value.length) return;
      const bucket = texts.get(isSuffix ? value.slice(value.length - length) : value.slice(0, length));
      if (bucket !== undefined) this.#visit(event, bucket);
    }
  }

  /** Tests the leaves of one place; neighbors often ask for the same field, which is then read once. */
  #reach(event: Fields, first: number): void {
    const leaves = this.#leaves;
    const residuals = this.#residuals;
    let field: FieldPath | undefined;
    let value: Read;
    for (let at = first * 2; at < leaves.length; at += 2) {
      const coded = leaves[at + 1] ?? -1;
      const conditions = residuals[coded < 0 ? ~coded : coded]?.conditions ?? NO_CONDITIONS;
      let holds = true;
      for (const condition of conditions) {
        if (condition.field !== field) value = readField(event, (field = condition.field));
        if (isMany(value)) {
          this.#hasMany = true;
          return;
        }
        if (value === undefined ? !condition.mayBeAbsent : !passes(condition, value)) {
          holds = false;
          break;
        }
      }
      if (holds) this.#find(leaves[at] ?? NOTHING);
      if (coded < 0) return;
    }
  }

  #find(entry: number): void {
    if (this.#first === NOTHING) this.#first = entry;
    else (this.#several ??= [this.#first]).push(entry);
  }
}

const NO_CONDITIONS: readonly Condition[] = [];

function oneWayOf({ indexes, always }: IndexNode): OneWay | undefined {
  const [only, ...others] = indexes;
  if (only?.equals === undefined || others.length > 0 || always !== undefined) return undefined;
  const { field, equals, texts, ranges, presence } = only;
  return texts === undefined && ranges === undefined && presence === undefined
    ? { field, equals }
    : undefined;
}
