import type { FieldReader } from './event-fields.ts';
import { toFieldPath } from './field-path.ts';
import type { FieldPath } from './field-path.ts';
import type { Conjunction, FieldCondition } from './parse-pattern.ts';
import { testValue } from './test-value.ts';
import { foldCase } from './value-test.ts';
import type { NumericRange, Scalar, ValueTest } from './value-test.ts';

/** A condition, compiled: shared by all branches that ask the same of the same field. */
export interface Condition {
  readonly id: number;
  readonly path: number;
  /** The same path, to read it. */
  readonly field: FieldPath;
  /** What most rules ask is compared in place, which costs less than a call. */
  readonly kind: 'text' | 'texts' | 'range' | 'any';
  /** Of the kind text. */
  readonly text: string;
  /** Of the kind texts: a few of them. */
  readonly texts: readonly string[];
  /** Of the kind range. */
  readonly low: number;
  readonly lowInclusive: boolean;
  readonly high: number;
  readonly highInclusive: boolean;
  /** All tests, of any kind. */
  readonly passesAny: (value: Scalar) => boolean;
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

/** Texts that are compared one by one; more of them are looked up in a set. */
const MAX_COMPARED = 8;

/** True when a value passes one of the tests. Texts are compared with texts only, which the engine knows how to do fast. */
export function passes(condition: Condition, value: Scalar): boolean {
  switch (condition.kind) {
    case 'text':
      return typeof value === 'string' && value === condition.text;
    case 'texts':
      return typeof value === 'string' && isOneOf(condition.texts, value);
    case 'range':
      return (
        typeof value === 'number' &&
        (condition.lowInclusive ? value >= condition.low : value > condition.low) &&
        (condition.highInclusive ? value <= condition.high : value < condition.high)
      );
    default:
      return condition.passesAny(value);
  }
}

/** A loop: for a few texts `includes` costs more than the comparisons. */
function isOneOf(texts: readonly string[], value: string): boolean {
  for (const text of texts) if (text === value) return true;
  return false;
}

/** Compiles conditions, each different one once. */
export class ConditionCompiler {
  /** Conditions with one literal, by path and literal: they are most of all, and need no text as a key. */
  readonly #literals = new Map<string, Map<Scalar, Condition>>();
  readonly #others = new Map<string, Condition>();
  readonly #fields = new Map<string, FieldPath>();
  /** The last of the others by path: rules made alike ask the same again and again, and to compare is faster than a key. */
  readonly #last = new Map<string, { readonly tests: readonly ValueTest[]; readonly compiled: Condition }>();
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

  #intern(condition: FieldCondition): Condition {
    const { path, tests } = condition;
    const [first] = tests;
    if (tests.length === 1 && first?.kind === 'equals') {
      let ofPath = this.#literals.get(path);
      if (ofPath === undefined) this.#literals.set(path, (ofPath = new Map<Scalar, Condition>()));
      return ofPath.get(first.value) ?? this.#add(ofPath, first.value, path, tests);
    }
    const last = this.#last.get(path);
    if (last !== undefined && areSame(last.tests, tests)) return last.compiled;
    const key = `${path}\u0000${tests.map(keyOf).join('\u0000')}`;
    const compiled = this.#others.get(key) ?? this.#add(this.#others, key, path, tests);
    this.#last.set(path, { tests, compiled });
    return compiled;
  }

  #add<K>(known: Map<K, Condition>, key: K, path: string, tests: readonly ValueTest[]): Condition {
    let field = this.#fields.get(path);
    if (field === undefined) this.#fields.set(path, (field = toFieldPath(path)));
    const fresh = makeCondition(this.#count, this.#reader.numberOf(path), field, tests);
    this.#count += 1;
    known.set(key, fresh);
    return fresh;
  }
}

function makeCondition(id: number, path: number, field: FieldPath, tests: readonly ValueTest[]): Condition {
  const present = tests.filter((test) => test.kind !== 'absent');
  const mayBeAbsent = present.length < tests.length;
  const access = mayBeAbsent ? undefined : accessOf(present);
  const exact = present.every((test) => test.kind !== 'wildcard');
  const texts = present.flatMap((test) =>
    test.kind === 'equals' && typeof test.value === 'string' ? [test.value] : [],
  );
  const range = present.length === 1 && present[0]?.kind === 'numeric' ? present[0].range : undefined;
  const areTexts = texts.length === present.length && texts.length > 0 && texts.length <= MAX_COMPARED;
  return {
    id,
    path,
    field,
    kind: range !== undefined ? 'range' : !areTexts ? 'any' : texts.length === 1 ? 'text' : 'texts',
    text: texts[0] ?? '',
    texts,
    ...(range ?? EVERY_NUMBER),
    passesAny: compileTests(present),
    mayBeAbsent,
    access,
    exact,
  };
}

const EVERY_NUMBER: NumericRange = {
  low: -Infinity,
  lowInclusive: true,
  high: Infinity,
  highInclusive: true,
};

/** True for the same literals in the same order; other tests are compared by their keys. */
function areSame(left: readonly ValueTest[], right: readonly ValueTest[]): boolean {
  if (left.length !== right.length) return false;
  for (let at = 0; at < left.length; at += 1) {
    const [one, other] = [left[at], right[at]];
    if (one?.kind !== 'equals' || other?.kind !== 'equals' || one.value !== other.value) return false;
  }
  return true;
}

/** A key that is the same for equal tests and different for others. */
function keyOf(test: ValueTest): string {
  return test.kind === 'equals'
    ? `=${typeof test.value}${String(test.value)}`
    : test.kind === 'numeric'
      ? keyOfRange(test.range)
      : JSON.stringify(test);
}

/** A key for a range, which JSON could not hold: its ends may be infinite. */
export function keyOfRange({ low, lowInclusive, high, highInclusive }: NumericRange): string {
  return `${lowInclusive ? '[' : '('}${low},${high}${highInclusive ? ']' : ')'}`;
}

function compileTests(tests: readonly ValueTest[]): (value: Scalar) => boolean {
  const literals = new Set(tests.flatMap((test) => (test.kind === 'equals' ? [test.value] : [])));
  const others = tests.filter((test) => test.kind !== 'equals');
  const [only] = others;
  if (literals.size === 0 && others.length === 1 && only !== undefined)
    return (value) => testValue(only, value);
  return (value) => literals.has(value) || others.some((test) => testValue(test, value));
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
