import type { BuiltIndex } from './built-index.ts';
import { passes } from './condition.ts';
import type { Condition } from './condition.ts';
import type { Fields } from './field-key.ts';
import { isMany, readField } from './field-path.ts';
import type { FieldPath, Read } from './field-path.ts';
import { LISTS, NOTHING } from './flat-matcher.ts';

/** A branch that one text leads to. */
interface OneBranch {
  readonly text: string;
  readonly entry: number;
  readonly conditions: readonly Condition[];
}

/**
 * Matches a few entries of which each is led to by a text of its own in the same field, such as the rules of one service. It
 * answers like the matcher for any index and has less to look after: a handful of rules costs no more than if it were
 * written out as code.
 */
export class SmallMatcher {
  /** Never more than one entry. */
  readonly several = undefined;
  readonly #field: FieldPath;
  readonly #branches: readonly OneBranch[];

  private constructor(field: FieldPath, branches: readonly OneBranch[]) {
    this.#field = field;
    this.#branches = branches;
  }

  /** The matcher of an index that is as simple as that; `undefined` for any other. */
  static of({ root, leaves, residuals }: BuiltIndex): SmallMatcher | undefined {
    const [only, ...others] = root.indexes;
    const texts = only?.equals?.texts ?? [];
    if (only === undefined || others.length > 0 || root.always !== undefined) return undefined;
    if (only.texts !== undefined || only.ranges !== undefined || only.presence !== undefined)
      return undefined;
    if (texts.length === 0 || texts.length !== only.equals?.size || texts.length * 2 !== leaves.length)
      return undefined;
    const branches = texts.map((text) => {
      const leaf = only.equals?.get(text);
      const at = typeof leaf === 'number' ? leaf * 2 : -1;
      return {
        text,
        entry: leaves[at] ?? -1,
        conditions: residuals[~(leaves[at + 1] ?? -1)]?.conditions ?? [],
      };
    });
    return new SmallMatcher(only.field, branches);
  }

  /** The entry that matches; see {@link FlatMatcher.find}. */
  find(event: unknown): number {
    if (typeof event !== 'object' || event === null || Array.isArray(event)) return LISTS;
    const value = readField(event as Fields, this.#field);
    if (typeof value !== 'string') return isMany(value) ? LISTS : NOTHING;
    for (const branch of this.#branches) {
      if (branch.text === value) return this.#test(event as Fields, branch);
    }
    return NOTHING;
  }

  #test(event: Fields, { conditions, entry }: OneBranch): number {
    for (const condition of conditions) {
      const value: Read = readField(event, condition.field);
      if (isMany(value)) return LISTS;
      if (value === undefined ? !condition.mayBeAbsent : !passes(condition, value)) return NOTHING;
    }
    return entry;
  }
}
