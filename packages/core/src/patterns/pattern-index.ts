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
import { AccessPlanner } from './access-plan.ts';
import type { Access, OpenBranch } from './access-plan.ts';
import { ConditionCompiler } from './condition.ts';
import type { AccessKey, Condition } from './condition.ts';
import { FieldReader, joinPlaces } from './event-fields.ts';
import type { FieldValue, Place } from './event-fields.ts';
import type { Conjunction } from './parse-pattern.ts';
import { RangeTree } from './range-tree.ts';
import { foldCase } from './value-test.ts';
import type { NumericRange, Scalar } from './value-test.ts';

/** Compiled entries, each known by its position. */
export interface PatternIndex {
  /** Numbers of the entries that match, ascending, each once. */
  match(event: unknown): readonly number[];
  /** Entries that no literal, prefix, suffix or range leads to: they are tested for every event with their field. */
  readonly scanned: readonly number[];
}

/** Branches in one place (leaf numbers), or an index over their remaining conditions. */
type Bucket = number | number[] | IndexNode;

interface IndexNode {
  readonly paths: ReadonlyMap<number, PathIndex>;
  readonly always: Bucket | undefined;
}

interface PathIndex {
  readonly equals: ReadonlyMap<Scalar, Bucket> | undefined;
  readonly folded: ReadonlyMap<string, Bucket> | undefined;
  readonly prefixes: AffixIndex | undefined;
  readonly suffixes: AffixIndex | undefined;
  readonly ranges: RangeTree<Bucket> | undefined;
  readonly presence: Bucket | undefined;
}

interface AffixIndex {
  readonly lengths: readonly number[];
  readonly texts: ReadonlyMap<string, Bucket>;
}

/** What remains to be tested once a branch was reached. */
interface Residual {
  readonly conditions: readonly Condition[];
  /** The conditions are all of the branch, in order: absence depends on what was found before. */
  readonly whole: boolean;
}

/** Branches in one place beyond which an index over their remaining conditions pays. */
const MAX_BUCKET = 16;
const MAX_LEVELS = 4;

/** Compiles entries (patterns as branches) for matching. */
export function buildPatternIndex(entries: readonly (readonly Conjunction[])[]): PatternIndex {
  const built = new IndexBuilder().build(entries);
  const matcher = new Matcher(built);
  return Object.freeze({ match: (event: unknown) => matcher.match(event), scanned: built.scanned });
}

interface BuiltIndex {
  readonly reader: FieldReader;
  readonly root: IndexNode;
  /** Entry and remainder of each leaf: a branch in one place. */
  readonly entryOf: Int32Array;
  readonly residualOf: Int32Array;
  readonly residuals: readonly Residual[];
  readonly scanned: readonly number[];
}

class IndexBuilder {
  readonly #reader = new FieldReader();
  readonly #residuals: Residual[] = [];
  readonly #residualNumbers = new Map<string, number>();
  readonly #entryOfBranch: number[] = [];
  readonly #entryOf: number[] = [];
  readonly #residualOf: number[] = [];
  /** Conditions of branches in which a field may be absent. */
  readonly #wholes = new Map<number, readonly Condition[]>();
  readonly #scanned = new Set<number>();

  build(entries: readonly (readonly Conjunction[])[]): BuiltIndex {
    const compiler = new ConditionCompiler(this.#reader);
    const open: OpenBranch[] = [];
    for (const [entry, branches] of entries.entries()) {
      for (const branch of branches) {
        const conditions = compiler.compile(branch);
        if (conditions.some((condition) => condition.mayBeAbsent)) this.#wholes.set(open.length, conditions);
        open.push({ branch: open.length, conditions });
        this.#entryOfBranch.push(entry);
      }
    }
    const root = this.#node(open, 1);
    return {
      reader: this.#reader,
      root,
      entryOf: Int32Array.from(this.#entryOf),
      residualOf: Int32Array.from(this.#residualOf),
      residuals: this.#residuals,
      scanned: Object.freeze([...this.#scanned].sort((left, right) => left - right)),
    };
  }

  #node(branches: readonly OpenBranch[], level: number): IndexNode {
    const planner = new AccessPlanner(branches);
    const drafts = new Map<number, PathDraft>();
    const always: OpenBranch[] = [];
    for (const branch of branches) {
      const access = planner.choose(branch);
      if (level === 1 && access.kind !== 'keys') this.#scanned.add(this.#entryOfBranch[branch.branch] ?? -1);
      if (access.kind === 'always') {
        always.push(branch);
        continue;
      }
      const { path } = access.condition;
      let draft = drafts.get(path);
      if (draft === undefined) drafts.set(path, (draft = new PathDraft()));
      draft.add(access, branch);
    }
    const paths = new Map([...drafts].map(([path, draft]) => [path, this.#pathIndex(draft, level)]));
    return { paths, always: always.length === 0 ? undefined : this.#leaves(always) };
  }

  #pathIndex(draft: PathDraft, level: number): PathIndex {
    const bucket = (branches: readonly OpenBranch[]): Bucket => this.#bucket(branches, level);
    const ranges = [...draft.ranges.values()].map(
      ({ range, branches }) => [range, bucket(branches)] as const,
    );
    return {
      equals: mapValues(draft.equals, bucket),
      folded: mapValues(draft.folded, bucket),
      prefixes: affixIndex(draft.prefix, bucket),
      suffixes: affixIndex(draft.suffix, bucket),
      ranges: ranges.length === 0 ? undefined : new RangeTree(ranges),
      presence: draft.presence.length === 0 ? undefined : this.#leaves(draft.presence),
    };
  }

  #bucket(branches: readonly OpenBranch[], level: number): Bucket {
    const pays =
      branches.length > MAX_BUCKET &&
      level < MAX_LEVELS &&
      branches.some(({ conditions }) => conditions.length > 0);
    return pays ? this.#node(branches, level + 1) : this.#leaves(branches);
  }

  #leaves(branches: readonly OpenBranch[]): Bucket {
    const leaves = branches.map((branch) => this.#leaf(branch));
    const [first] = leaves;
    return leaves.length === 1 && first !== undefined ? first : leaves;
  }

  #leaf({ branch, conditions }: OpenBranch): number {
    const whole = this.#wholes.get(branch);
    const remaining = whole ?? conditions;
    const key = `${whole === undefined ? '' : 'whole '}${remaining.map((condition) => condition.id).join(',')}`;
    let residual = this.#residualNumbers.get(key);
    if (residual === undefined) {
      residual = this.#residuals.length;
      this.#residuals.push({ conditions: remaining, whole: whole !== undefined });
      this.#residualNumbers.set(key, residual);
    }
    this.#residualOf.push(residual);
    return this.#entryOf.push(this.#entryOfBranch[branch] ?? -1) - 1;
  }
}

/** The branches of one path, while they are collected. */
class PathDraft {
  readonly equals = new Map<Scalar, OpenBranch[]>();
  readonly folded = new Map<string, OpenBranch[]>();
  readonly prefix = new Map<string, OpenBranch[]>();
  readonly suffix = new Map<string, OpenBranch[]>();
  readonly ranges = new Map<string, { readonly range: NumericRange; readonly branches: OpenBranch[] }>();
  readonly presence: OpenBranch[] = [];

  add(access: Exclude<Access, { kind: 'always' }>, branch: OpenBranch): void {
    if (access.kind === 'presence') {
      this.presence.push(branch);
      return;
    }
    const { condition, keys } = access;
    // A value found under an exact key has passed the condition.
    const conditions = condition.exact
      ? branch.conditions.filter((other) => other !== condition)
      : branch.conditions;
    const rest: OpenBranch = { branch: branch.branch, conditions };
    for (const key of keys) this.#file(key, rest);
  }

  #file(key: AccessKey, branch: OpenBranch): void {
    if (key.kind === 'equals') append(this.equals, key.value, branch);
    else if (key.kind !== 'range') append(this[key.kind], key.text, branch);
    else {
      const { low, lowInclusive, high, highInclusive } = key.range;
      const name = `${low} ${lowInclusive} ${high} ${highInclusive}`;
      const known = this.ranges.get(name);
      if (known === undefined) this.ranges.set(name, { range: key.range, branches: [branch] });
      else known.branches.push(branch);
    }
  }
}

function append<K>(map: Map<K, OpenBranch[]>, key: K, branch: OpenBranch): void {
  const known = map.get(key);
  if (known === undefined) map.set(key, [branch]);
  else if (known[known.length - 1]?.branch !== branch.branch) known.push(branch);
}

function mapValues<K, A, B>(map: ReadonlyMap<K, A>, change: (value: A) => B): ReadonlyMap<K, B> | undefined {
  if (map.size === 0) return undefined;
  const changed = new Map<K, B>();
  for (const [key, value] of map) changed.set(key, change(value));
  return changed;
}

function affixIndex(
  texts: ReadonlyMap<string, OpenBranch[]>,
  bucket: (branches: readonly OpenBranch[]) => Bucket,
): AffixIndex | undefined {
  const changed = mapValues(texts, bucket);
  if (changed === undefined) return undefined;
  const lengths = [...new Set([...changed.keys()].map((text) => text.length))].sort(
    (left, right) => left - right,
  );
  return { lengths, texts: changed };
}

/** Walks the index with one event at a time. The scratch fields are empty between two matches. */
class Matcher {
  readonly #index: BuiltIndex;
  readonly #fields: (FieldValue[] | undefined)[] = [];
  readonly #present: number[] = [];
  #found: number[] = [];

  constructor(index: BuiltIndex) {
    this.#index = index;
  }

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
