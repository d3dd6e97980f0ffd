import { formatPath } from '../documents/document-path.ts';
import { ConfigurationError } from '../errors/lazarus-error.ts';
import type { Issue } from '../errors/lazarus-error.ts';
import { FieldReader, joinPlaces } from './event-fields.ts';
import type { EventFields, FieldValue, Place } from './event-fields.ts';
import { parsePattern } from './parse-pattern.ts';
import type { Conjunction } from './parse-pattern.ts';
import { readPatternText } from './pattern-text.ts';
import { testValue } from './test-value.ts';
import type { ValueTest } from './value-test.ts';

/** A pattern with the name that a match returns. Several patterns may share a name: either of them is enough. */
export interface NamedPattern {
  readonly name: string;
  /** An EventBridge event pattern, as data or as JSON text. */
  readonly pattern: unknown;
}

/** Compiled patterns: immutable, and answers for any event. */
export interface CompiledPatterns {
  /** Names of the patterns that match, each once, in the order in which they were given. */
  match(event: unknown): readonly string[];
}

interface Condition {
  readonly path: number;
  readonly tests: readonly ValueTest[];
  readonly mayBeAbsent: boolean;
}

/**
 * Compiles event patterns.
 *
 * @throws ConfigurationError `LZ_PATTERN_INVALID` with every refused pattern: name, position and reason.
 */
export function compilePatterns(patterns: readonly NamedPattern[]): CompiledPatterns {
  const issues: Issue[] = [];
  const reader = new FieldReader();
  const rules: { readonly name: string; readonly branches: readonly (readonly Condition[])[] }[] = [];
  for (const { name, pattern } of patterns) {
    const text = typeof pattern === 'string' ? readPatternText(pattern) : { ok: true as const, value: pattern };
    const parsed = text.ok ? parsePattern(text.value) : { ok: false as const, refusals: [text.refusal] };
    if (parsed.ok) rules.push({ name, branches: parsed.branches.map((branch) => conditionsOf(branch, reader)) });
    else for (const { path, message, hint } of parsed.refusals) issues.push({ file: name, path: formatPath(path), message, ...(hint === undefined ? {} : { hint }) });
  }
  if (issues.length > 0) throw new ConfigurationError({ code: 'LZ_PATTERN_INVALID', summary: 'event patterns were refused', issues });
  return {
    match: (event) => {
      const fields: (FieldValue[] | undefined)[] = [];
      reader.read(event, fields, []);
      const names = rules.filter(({ branches }) => branches.some((branch) => holds(branch, 0, fields, undefined))).map(({ name }) => name);
      return [...new Set(names)];
    },
  };
}

function conditionsOf(branch: Conjunction, reader: FieldReader): readonly Condition[] {
  const inOrder = [...branch].sort((left, right) => (left.path < right.path ? -1 : 1));
  return inOrder.map(({ path, tests }) => ({
    path: reader.numberOf(path),
    tests: tests.filter((test) => test.kind !== 'absent'),
    mayBeAbsent: tests.some((test) => test.kind === 'absent'),
  }));
}

function holds(branch: readonly Condition[], at: number, fields: EventFields, place: Place): boolean {
  const condition = branch[at];
  if (condition === undefined) return true;
  let present = false;
  for (const found of fields[condition.path] ?? []) {
    const joined = joinPlaces(place, found.place);
    if (joined === false) continue;
    present = true;
    if (condition.tests.some((test) => testValue(test, found.value)) && holds(branch, at + 1, fields, joined)) return true;
  }
  return !present && condition.mayBeAbsent && holds(branch, at + 1, fields, place);
}
