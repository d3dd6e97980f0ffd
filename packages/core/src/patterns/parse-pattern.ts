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
const MAX_BRANCHES = 1_000;
/** Most levels of a pattern. */
const MAX_PATTERN_DEPTH = 32;

/** A branch while it is collected. */
type Branch = FieldCondition[];

/** Where the parser is, and what it refused. The path is only copied for a refusal. */
interface Cursor {
  readonly refusals: Refusal[];
  readonly at: (string | number)[];
}

const isMapping = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * Parses an event pattern: nested mappings whose leaves are lists of matchers, and `$or`. Where a field is named both
 * outside and inside an `$or`, the later one counts, as in the reference implementation.
 */
export function parsePattern(pattern: unknown): PatternParse {
  if (!isMapping(pattern)) {
    return {
      ok: false,
      refusals: [{ path: [], message: `found ${describeFound(pattern)}, expected a mapping of fields` }],
    };
  }
  const cursor: Cursor = { refusals: [], at: [] };
  const branches = parseMapping(pattern, '', [[]], cursor);
  return cursor.refusals.length > 0 ? { ok: false, refusals: cursor.refusals } : { ok: true, branches };
}

function refuse({ refusals, at }: Cursor, message: string): void {
  refusals.push({ path: [...at], message });
}

function parseMapping(
  mapping: Record<string, unknown>,
  prefix: string,
  branches: Branch[],
  cursor: Cursor,
): Branch[] {
  const keys = Object.keys(mapping);
  if (keys.length === 0) refuse(cursor, 'found an empty mapping, expected fields');
  if (cursor.at.length > MAX_PATTERN_DEPTH * 2) {
    cursor.refusals.push({ path: [], message: `nested deeper than ${MAX_PATTERN_DEPTH} levels` });
    return branches;
  }
  let current = branches;
  for (const key of keys) {
    cursor.at.push(key);
    current = parseField(key, mapping[key], prefix, current, cursor);
    cursor.at.pop();
  }
  return current;
}

function parseField(
  key: string,
  value: unknown,
  prefix: string,
  branches: Branch[],
  cursor: Cursor,
): Branch[] {
  if (key === '$or' && isAlternatives(value)) return parseAlternatives(value, prefix, branches, cursor);
  const path = prefix + key;
  if (Array.isArray(value)) {
    const condition: FieldCondition = { path, tests: parseTests(value, cursor) };
    for (const branch of branches) put(branch, condition);
    return branches;
  }
  if (isMapping(value)) return parseMapping(value, `${path}.`, branches, cursor);
  refuse(cursor, `found ${describeFound(value)}, expected a list of matchers or a mapping of fields`);
  return branches;
}

function put(branch: Branch, condition: FieldCondition): void {
  const known = branch.findIndex(({ path }) => path === condition.path);
  if (known === -1) branch.push(condition);
  else branch[known] = condition;
}

/** `$or` with fewer than two mappings of fields is a field of that name, as in the reference implementation. */
function isAlternatives(value: unknown): value is readonly Record<string, unknown>[] {
  if (!Array.isArray(value) || value.length < 2) return false;
  return value.every((entry: unknown) => {
    const keys = isMapping(entry) ? Object.keys(entry) : [];
    return keys.length > 0 && !keys.some((key) => MATCHER_NAMES.includes(key));
  });
}

function parseAlternatives(
  alternatives: readonly Record<string, unknown>[],
  prefix: string,
  branches: Branch[],
  cursor: Cursor,
): Branch[] {
  if (branches.length * alternatives.length > MAX_BRANCHES) {
    refuse(cursor, `the alternatives multiply to more than ${MAX_BRANCHES} branches`);
    return branches;
  }
  const parsed: Branch[] = [];
  for (const [index, alternative] of alternatives.entries()) {
    cursor.at.push(index);
    const copies = branches.map((branch) => [...branch]);
    parsed.push(...parseMapping(alternative, prefix, copies, cursor));
    cursor.at.pop();
  }
  return parsed;
}

function parseTests(list: readonly unknown[], cursor: Cursor): readonly ValueTest[] {
  if (list.length === 0) refuse(cursor, 'found an empty list, expected at least one matcher');
  const tests: ValueTest[] = [];
  for (let index = 0; index < list.length; index += 1) {
    const parsed = parseValueTest(list[index]);
    if (parsed.ok) tests.push(parsed.test);
    else cursor.refusals.push({ ...parsed.refusal, path: [...cursor.at, index, ...parsed.refusal.path] });
  }
  return tests;
}
