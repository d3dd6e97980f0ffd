import type { FieldReader } from './event-fields.ts';
import type { Conjunction, FieldCondition } from './parse-pattern.ts';
import { testValue } from './test-value.ts';
import { foldCase } from './value-test.ts';
import type { NumericRange, Scalar, ValueTest } from './value-test.ts';

/** A condition, compiled: shared by all branches that ask the same of the same field. */
export interface Condition {
  readonly id: number;
  readonly path: number;
  /** True when a value passes one of the tests. */
  readonly passes: (value: Scalar) => boolean;
  readonly mayBeAbsent: boolean;
  /** Keys under which an index finds every value that passes; `undefined` when there is no such set. */
  readonly access: readonly AccessKey[] | undefined;
  /** True when each value found under the keys passes, so that it need not be tested again. */
  readonly exact: boolean;
}

/** A way to find a condition from the value of its field. */
export type AccessKey =
  | { readonly kind: 'equals'; readonly value: Scalar }
  | { readonly kind: 'folded' | 'prefix' | 'suffix'; readonly text: string }
  | { readonly kind: 'range'; readonly range: NumericRange };

/** Compiles conditions, each different one once. */
export class ConditionCompiler {
  /** Conditions with one literal, by path and literal: they are most of all, and need no text as a key. */
  readonly #literals = new Map<string, Map<Scalar, Condition>>();
  readonly #others = new Map<string, Condition>();
  readonly #reader: FieldReader;
  #count = 0;

  constructor(reader: FieldReader) {
    this.#reader = reader;
  }

  /** The conditions of a branch; where a field may be absent in the order of their paths, as absence is judged in this order. */
  compile(branch: Conjunction): readonly Condition[] {
    const conditions = branch.map((condition) => this.#intern(condition));
    if (!conditions.some((condition) => condition.mayBeAbsent)) return conditions;
    return [...branch]
      .sort((left, right) => (left.path < right.path ? -1 : 1))
      .map((condition) => this.#intern(condition));
  }

  #intern({ path, tests }: FieldCondition): Condition {
    const [first] = tests;
    if (tests.length === 1 && first?.kind === 'equals') {
      const ofPath = this.#literals.get(path) ?? new Map<Scalar, Condition>();
      this.#literals.set(path, ofPath);
      return ofPath.get(first.value) ?? this.#add(ofPath, first.value, path, tests);
    }
    const key = `${path}\u0000${tests.map(keyOf).join('\u0000')}`;
    return this.#others.get(key) ?? this.#add(this.#others, key, path, tests);
  }

  #add<K>(known: Map<K, Condition>, key: K, path: string, tests: readonly ValueTest[]): Condition {
    const fresh = makeCondition(this.#count, this.#reader.numberOf(path), tests);
    this.#count += 1;
    known.set(key, fresh);
    return fresh;
  }
}

function makeCondition(id: number, path: number, tests: readonly ValueTest[]): Condition {
  const present = tests.filter((test) => test.kind !== 'absent');
  const mayBeAbsent = present.length < tests.length;
  const access = mayBeAbsent ? undefined : accessOf(present);
  const exact = present.every((test) => test.kind !== 'wildcard');
  return { id, path, passes: compileTests(present), mayBeAbsent, access, exact };
}

/** A key that is the same for equal tests and different for others. */
function keyOf(test: ValueTest): string {
  return test.kind === 'equals'
    ? `=${typeof test.value}${String(test.value)}`
    : JSON.stringify(test, infinities);
}

const infinities = (_key: string, value: unknown): unknown =>
  typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;

function compileTests(tests: readonly ValueTest[]): (value: Scalar) => boolean {
  const literals = tests.flatMap((test) => (test.kind === 'equals' ? [test.value] : []));
  const others = tests.filter((test) => test.kind !== 'equals');
  const [first] = literals;
  if (others.length === 0 && literals.length === 1) return (value) => value === first;
  if (others.length === 0 && literals.length <= 8) return (value) => literals.includes(value);
  const set = new Set(literals);
  return (value) => set.has(value) || others.some((test) => testValue(test, value));
}

function accessOf(tests: readonly ValueTest[]): readonly AccessKey[] | undefined {
  const keys: AccessKey[] = [];
  for (const test of tests) {
    const key = accessKeyOf(test);
    if (key === undefined) return undefined;
    keys.push(key);
  }
  return keys.length === 0 ? undefined : keys;
}

function accessKeyOf(test: ValueTest): AccessKey | undefined {
  switch (test.kind) {
    case 'equals':
      return { kind: 'equals', value: test.value };
    case 'equals-ignore-case':
      return { kind: 'folded', text: foldCase(test.text) };
    case 'prefix':
    case 'suffix':
      return test.ignoreCase || test.text === '' ? undefined : { kind: test.kind, text: test.text };
    case 'numeric':
      return { kind: 'range', range: test.range };
    case 'wildcard': {
      const first = test.pieces[0] ?? '';
      const last = test.pieces[test.pieces.length - 1] ?? '';
      if (test.pieces.length === 1) return { kind: 'equals', value: first };
      if (first !== '') return { kind: 'prefix', text: first };
      return last === '' ? undefined : { kind: 'suffix', text: last };
    }
    default:
      return undefined;
  }
}
