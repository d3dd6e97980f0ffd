import type { AccessKey, Condition } from './condition.ts';

/** A branch on its way into the index: what is not yet answered by the way there. */
export interface OpenBranch {
  readonly branch: number;
  readonly conditions: readonly Condition[];
}

/** How a branch is reached. */
export type Access =
  | { readonly kind: 'keys'; readonly condition: Condition; readonly keys: readonly AccessKey[] }
  /** Looked at whenever the field has any value. */
  | { readonly kind: 'presence'; readonly condition: Condition }
  /** Looked at for every event. */
  | { readonly kind: 'always' };

/** More keys than this for one branch cost more memory than they save time. */
const MAX_KEYS = 64;

/**
 * Chooses the way to each branch by counting: the condition whose keys lead to the fewest branches. A key that one branch
 * has for itself is best; a range is as good as half of all ranges of its field; then comes the presence of a field.
 */
export class AccessPlanner {
  /** Branches by condition: conditions are numbered, and shared by all branches that ask the same. */
  readonly #branches: number[] = [];
  readonly #costs: number[] = [];
  readonly #counts = new Map<string, number>();
  readonly #ranges = new Map<number, number>();
  readonly #uses = new Map<number, number>();

  constructor(branches: readonly OpenBranch[]) {
    const conditions: Condition[] = [];
    for (const branch of branches) {
      for (const condition of branch.conditions) {
        const known = this.#branches[condition.id] ?? 0;
        this.#branches[condition.id] = known + 1;
        if (known === 0) conditions.push(condition);
      }
    }
    for (const condition of conditions) this.#count(condition, this.#branches[condition.id] ?? 0);
  }

  #count({ path, access }: Condition, branches: number): void {
    add(this.#uses, path, branches);
    if (access === undefined || access.length > MAX_KEYS) return;
    for (const key of access) {
      if (key.kind === 'range') add(this.#ranges, path, branches);
      else if (access.length > 1) add(this.#counts, keyName(path, key), branches);
    }
  }

  /** The best way to a branch. */
  choose(branch: OpenBranch): Access {
    let best: Access = { kind: 'always' };
    let bestCost = Infinity;
    for (const condition of branch.conditions) {
      const cost = (this.#costs[condition.id] ??= this.#cost(condition));
      if (cost < bestCost && condition.access !== undefined) {
        best = { kind: 'keys', condition, keys: condition.access };
        bestCost = cost;
      }
    }
    return best.kind === 'keys' ? best : this.#byPresence(branch);
  }

  /** Branches expected to be looked at along this condition. */
  #cost({ id, path, access }: Condition): number {
    if (access === undefined || access.length > MAX_KEYS) return Infinity;
    let cost = 0;
    for (const key of access) {
      if (key.kind === 'range') cost += (this.#ranges.get(path) ?? 0) / 2;
      else
        cost += access.length === 1 ? (this.#branches[id] ?? 0) : (this.#counts.get(keyName(path, key)) ?? 0);
      if (key.kind === 'prefix' || key.kind === 'suffix') cost += 1;
    }
    return cost;
  }

  #byPresence(branch: OpenBranch): Access {
    let rarest: Condition | undefined;
    for (const condition of branch.conditions) {
      if (condition.mayBeAbsent) continue;
      if (rarest === undefined || (this.#uses.get(condition.path) ?? 0) < (this.#uses.get(rarest.path) ?? 0))
        rarest = condition;
    }
    return rarest === undefined ? { kind: 'always' } : { kind: 'presence', condition: rarest };
  }
}

function add<K>(counts: Map<K, number>, key: K, more: number): void {
  counts.set(key, (counts.get(key) ?? 0) + more);
}

function keyName(path: number, key: Exclude<AccessKey, { kind: 'range' }>): string {
  return key.kind === 'equals'
    ? `${path}=${typeof key.value}${String(key.value)}`
    : `${path}${key.kind}${key.text}`;
}
