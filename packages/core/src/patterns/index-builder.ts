import { AccessPlanner } from './access-plan.ts';
import type { Access, OpenBranch } from './access-plan.ts';
import type { AffixIndex, Bucket, BuiltIndex, IndexNode, PathIndex, Residual } from './built-index.ts';
import { ConditionCompiler } from './condition.ts';
import type { AccessKey, Condition } from './condition.ts';
import { FieldReader } from './event-fields.ts';
import type { Conjunction } from './parse-pattern.ts';
import { RangeTree } from './range-tree.ts';
import type { NumericRange, Scalar } from './value-test.ts';

/** Branches in one place beyond which an index over their remaining conditions pays. */
const MAX_BUCKET = 16;
const MAX_LEVELS = 4;

/** Builds the index of a set of entries. */
export class IndexBuilder {
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
    const paths = new Map([...drafts].map(([path, draft]) => [path, this.#pathIndex(path, draft, level)]));
    return {
      paths,
      indexes: [...paths.values()],
      always: always.length === 0 ? undefined : this.#leaves(always),
    };
  }

  #pathIndex(path: number, draft: PathDraft, level: number): PathIndex {
    const bucket = (branches: readonly OpenBranch[]): Bucket => this.#bucket(branches, level);
    const ranges = [...draft.ranges.values()].map(
      ({ range, branches }) => [range, bucket(branches)] as const,
    );
    return {
      path,
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
    let key = whole === undefined ? '' : 'whole';
    for (const condition of remaining) key += `,${condition.id}`;
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
