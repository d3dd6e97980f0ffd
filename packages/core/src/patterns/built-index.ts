import type { Condition } from './condition.ts';
import type { FieldReader } from './event-fields.ts';
import type { FieldPath } from './field-path.ts';
import type { RangeTree } from './range-tree.ts';
import type { ValueMap } from './value-map.ts';

/** Branches in one place (the number of the first leaf), or an index over their remaining conditions. */
export type Bucket = number | IndexNode;

/** Branches by the field that leads to them. */
export interface IndexNode {
  readonly paths: ReadonlyMap<number, PathIndex>;
  /** The same, to walk through. */
  readonly indexes: readonly PathIndex[];
  readonly always: Bucket | undefined;
}

/** Ways from the value of a field to branches. */
export interface PathIndex {
  readonly path: number;
  readonly field: FieldPath;
  readonly equals: ValueMap<Bucket> | undefined;
  readonly texts: TextIndex | undefined;
  readonly ranges: RangeTree<Bucket> | undefined;
  readonly presence: Bucket | undefined;
}

/** Ways from a text to branches, besides the text itself. */
export interface TextIndex {
  readonly folded: ValueMap<Bucket> | undefined;
  readonly prefixes: AffixIndex | undefined;
  readonly suffixes: AffixIndex | undefined;
}

/** Prefixes or suffixes, looked up by their lengths. */
export interface AffixIndex {
  readonly lengths: readonly number[];
  readonly texts: ValueMap<Bucket>;
}

/** What remains to be tested once a branch was reached. */
export interface Residual {
  readonly conditions: readonly Condition[];
  /** The conditions are all of the branch, in order: absence depends on what was found before. */
  readonly whole: boolean;
}

/**
 * An index, built. A leaf is a branch in one place; the leaves of one place follow each other, and two numbers tell of each:
 * the entry that it belongs to, and its residual, as `~residual` when it is the last of its place.
 */
export interface BuiltIndex {
  readonly reader: FieldReader;
  readonly root: IndexNode;
  readonly leaves: Int32Array;
  readonly residuals: readonly Residual[];
  readonly scanned: readonly number[];
}
