import { describeFound } from '../documents/document-path.ts';
import { MATCHER_NAMES, parseValueTest } from './parse-value-test.ts';
import type { Refusal } from './parse-value-test.ts';
import type { ValueTest } from './value-test.ts';

/** One condition: at least one of the tests holds for a value at the path. */
export interface FieldCondition {
  /** Keys from the root, joined with dots. */
  readonly path: string;
  readonly tests: readonly ValueTest[];
}

/** Conditions that must all hold, for values that agree in their places inside lists. */
export type Conjunction = readonly FieldCondition[];

/** A parsed pattern: it matches when one of its branches does. */
export type PatternParse =
  | { readonly ok: true; readonly branches: readonly Conjunction[] }
  | { readonly ok: false; readonly refusals: readonly Refusal[] };

/** Most branches that the `$or` of one pattern may multiply to. */
export const MAX_BRANCHES = 1_000;
/** Most levels of a pattern. */
export const MAX_PATTERN_DEPTH = 32;

type Branch = Map<string, readonly ValueTest[]>;

interface Context {
  readonly refusals: Refusal[];
}

const isMapping = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * Parses an event pattern: nested mappings whose leaves are lists of matchers, and `$or`. Where a field is named both
 * outside and inside an `$or`, the later one counts, as in the reference implementation.
 */
export function parsePattern(pattern: unknown): PatternParse {
  const context: Context = { refusals: [] };
  if (!isMapping(pattern)) {
    return {
      ok: false,
      refusals: [{ path: [], message: `found ${describeFound(pattern)}, expected a mapping of fields` }],
    };
  }
  const branches = parseMapping(pattern, [], [], [new Map()], context);
  if (context.refusals.length > 0) return { ok: false, refusals: context.refusals };
  return {
    ok: true,
    branches: branches.map((branch) => [...branch].map(([path, tests]) => ({ path, tests }))),
  };
}

function parseMapping(
  mapping: Record<string, unknown>,
  at: readonly (string | number)[],
  fieldPath: readonly string[],
  branches: readonly Branch[],
  context: Context,
): readonly Branch[] {
  const entries = Object.entries(mapping);
  if (entries.length === 0)
    context.refusals.push({ path: at, message: 'found an empty mapping, expected fields' });
  if (at.length > MAX_PATTERN_DEPTH * 2) {
    context.refusals.push({ path: [], message: `nested deeper than ${MAX_PATTERN_DEPTH} levels` });
    return branches;
  }
  let current = branches;
  for (const [key, value] of entries) {
    const here = [...at, key];
    if (key === '$or' && isAlternatives(value)) {
      current = parseAlternatives(value, here, fieldPath, current, context);
    } else if (Array.isArray(value)) {
      const tests = parseTests(value, here, context);
      const path = [...fieldPath, key].join('.');
      for (const branch of current) branch.set(path, tests);
    } else if (isMapping(value)) {
      current = parseMapping(value, here, [...fieldPath, key], current, context);
    } else {
      context.refusals.push({
        path: here,
        message: `found ${describeFound(value)}, expected a list of matchers or a mapping of fields`,
      });
    }
  }
  return current;
}

/** `$or` with fewer than two mappings of fields is a field of that name, as in the reference implementation. */
function isAlternatives(value: unknown): value is readonly Record<string, unknown>[] {
  if (!Array.isArray(value) || value.length < 2) return false;
  return value.every(
    (entry: unknown) =>
      isMapping(entry) &&
      Object.keys(entry).length > 0 &&
      !Object.keys(entry).some((key) => MATCHER_NAMES.includes(key)),
  );
}

function parseAlternatives(
  alternatives: readonly Record<string, unknown>[],
  at: readonly (string | number)[],
  fieldPath: readonly string[],
  branches: readonly Branch[],
  context: Context,
): readonly Branch[] {
  if (branches.length * alternatives.length > MAX_BRANCHES) {
    context.refusals.push({
      path: at,
      message: `the alternatives multiply to more than ${MAX_BRANCHES} branches`,
    });
    return branches;
  }
  return alternatives.flatMap((alternative, index) => {
    const copies = branches.map((branch) => new Map(branch));
    return parseMapping(alternative, [...at, index], fieldPath, copies, context);
  });
}

function parseTests(
  list: readonly unknown[],
  at: readonly (string | number)[],
  context: Context,
): readonly ValueTest[] {
  if (list.length === 0)
    context.refusals.push({ path: at, message: 'found an empty list, expected at least one matcher' });
  const tests: ValueTest[] = [];
  for (const [index, entry] of list.entries()) {
    const parsed = parseValueTest(entry);
    if (parsed.ok) tests.push(parsed.test);
    else context.refusals.push({ ...parsed.refusal, path: [...at, index, ...parsed.refusal.path] });
  }
  return tests;
}
