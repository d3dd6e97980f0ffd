import type { Condition } from './condition.ts';
import type { FieldReader } from './event-fields.ts';
import type { RangeTree } from './range-tree.ts';
import type { Scalar } from './value-test.ts';

/** Branches in one place (leaf numbers), or an index over their remaining conditions. */
export type Bucket = number | number[] | IndexNode;

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
  readonly equals: ReadonlyMap<Scalar, Bucket> | undefined;
  readonly folded: ReadonlyMap<string, Bucket> | undefined;
  readonly prefixes: AffixIndex | undefined;
  readonly suffixes: AffixIndex | undefined;
  readonly ranges: RangeTree<Bucket> | undefined;
  readonly presence: Bucket | undefined;
}

/** Prefixes or suffixes, looked up by their lengths. */
export interface AffixIndex {
  readonly lengths: readonly number[];
  readonly texts: ReadonlyMap<string, Bucket>;
}

/** What remains to be tested once a branch was reached. */
export interface Residual {
  readonly conditions: readonly Condition[];
  /** The conditions are all of the branch, in order: absence depends on what was found before. */
  readonly whole: boolean;
}

/** An index, built; leaves are numbered. */
export interface BuiltIndex {
  readonly reader: FieldReader;
  readonly root: IndexNode;
  /** Entry and remainder of each leaf: a branch in one place. */
  readonly entryOf: Int32Array;
  readonly residualOf: Int32Array;
  readonly residuals: readonly Residual[];
  readonly scanned: readonly number[];
}
