import { AccessPlanner } from './access-plan.ts';
import type { Access, OpenBranch } from './access-plan.ts';
import type {
  AffixIndex,
  Bucket,
  BuiltIndex,
  IndexNode,
  PathIndex,
  Residual,
  TextIndex,
} from './built-index.ts';
import { ConditionCompiler } from './condition.ts';
import type { AccessKey, Condition } from './condition.ts';
import { FieldReader } from './event-fields.ts';
import type { FieldPath } from './field-path.ts';
import type { Conjunction } from './parse-pattern.ts';
import { RangeTree } from './range-tree.ts';
import { ValueMap } from './value-map.ts';
import type { NumericRange, Scalar } from './value-test.ts';

/** Branches in one place beyond which an index over their remaining conditions pays. */
const MAX_BUCKET = 16;
const MAX_LEVELS = 4;

/** Builds the index of a set of entries. */
export class IndexBuilder {
  readonly #reader = new FieldReader();
  readonly #residuals: Residual[] = [];
  readonly #residualNumbers = new Map<string, number>();
  readonly #compiler = new ConditionCompiler(this.#reader);
  readonly #open: OpenBranch[] = [];
  readonly #entryOfBranch: number[] = [];
  /** Entry and residual of each leaf, in turns. */
  readonly #leafCodes: number[] = [];
  #entries = 0;
  /** Conditions of branches in which a field may be absent. */
  readonly #wholes = new Map<number, readonly Condition[]>();
  readonly #scanned = new Set<number>();

  /** Adds the branches of one entry; entries are numbered in the order in which they come. */
  add(branches: readonly Conjunction[]): void {
    for (const branch of branches) {
      const conditions = this.#compiler.compile(branch);
      if (conditions.some(isAbsenceAllowed)) this.#wholes.set(this.#open.length, conditions);
      this.#open.push({ branch: this.#open.length, conditions });
      this.#entryOfBranch.push(this.#entries);
    }
    this.#entries += 1;
  }

  /** The index of everything that was added. */
  build(): BuiltIndex {
    const root = this.#node(this.#open, 1);
    return {
      reader: this.#reader,
      root,
      leaves: Int32Array.from(this.#leafCodes),
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
      const { path, field } = access.condition;
      let draft = drafts.get(path);
      if (draft === undefined) drafts.set(path, (draft = new PathDraft(field)));
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
      field: draft.field,
      equals: mapValues(draft.equals, bucket),
      texts: textIndex(draft, bucket),
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
    const first = this.#leafCodes.length / 2;
    const last = branches.length - 1;
    for (const [at, branch] of branches.entries()) {
      const residual = this.#residualOf(branch);
      this.#leafCodes.push(this.#entryOfBranch[branch.branch] ?? -1, at === last ? ~residual : residual);
    }
    return first;
  }

  #residualOf({ branch, conditions }: OpenBranch): number {
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
    return residual;
  }
}

const isAbsenceAllowed = (condition: Condition): boolean => condition.mayBeAbsent;

/** The branches of one path, while they are collected. */
class PathDraft {
  readonly field: FieldPath;
  readonly equals = new Map<Scalar, OpenBranch[]>();
  readonly folded = new Map<string, OpenBranch[]>();
  readonly prefix = new Map<string, OpenBranch[]>();
  readonly suffix = new Map<string, OpenBranch[]>();
  readonly ranges = new Map<string, { readonly range: NumericRange; readonly branches: OpenBranch[] }>();
  readonly presence: OpenBranch[] = [];

  constructor(field: FieldPath) {
    this.field = field;
  }

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

type MakeBucket = (branches: readonly OpenBranch[]) => Bucket;

function mapValues(map: ReadonlyMap<Scalar, OpenBranch[]>, bucket: MakeBucket): ValueMap<Bucket> | undefined {
  if (map.size === 0) return undefined;
  const changed = new Map<Scalar, Bucket>();
  for (const [key, branches] of map) changed.set(key, bucket(branches));
  return new ValueMap(changed);
}

function textIndex({ folded, prefix, suffix }: PathDraft, bucket: MakeBucket): TextIndex | undefined {
  if (folded.size + prefix.size + suffix.size === 0) return undefined;
  return {
    folded: mapValues(folded, bucket),
    prefixes: affixIndex(prefix, bucket),
    suffixes: affixIndex(suffix, bucket),
  };
}

function affixIndex(affixes: ReadonlyMap<string, OpenBranch[]>, bucket: MakeBucket): AffixIndex | undefined {
  const texts = mapValues(affixes, bucket);
  if (texts === undefined) return undefined;
  const lengths = [...new Set([...affixes.keys()].map((text) => text.length))];
  return { lengths: lengths.sort((left, right) => left - right), texts };
}
