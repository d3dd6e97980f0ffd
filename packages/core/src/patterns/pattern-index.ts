import { FieldReader, joinPlaces } from './event-fields.ts';
import type { EventFields, FieldValue, Place } from './event-fields.ts';
import type { Conjunction } from './parse-pattern.ts';
import { testValue } from './test-value.ts';
import type { ValueTest } from './value-test.ts';

/** Compiled branches, each with the number of the entry it belongs to. */
export interface PatternIndex {
  /** Numbers of the entries that match, ascending, each once. */
  match(event: unknown): readonly number[];
}

interface Condition {
  readonly path: number;
  readonly tests: readonly ValueTest[];
  readonly mayBeAbsent: boolean;
}

/** Compiles entries (patterns as branches) for matching; an entry is known by its position. */
export function buildPatternIndex(entries: readonly (readonly Conjunction[])[]): PatternIndex {
  const reader = new FieldReader();
  const compiled = entries.map((branches) => branches.map((branch) => conditionsOf(branch, reader)));
  return {
    match: (event) => {
      const fields: (FieldValue[] | undefined)[] = [];
      reader.read(event, fields, []);
      return compiled.flatMap((branches, number) =>
        branches.some((branch) => holds(branch, 0, fields, undefined)) ? [number] : [],
      );
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
    if (condition.tests.some((test) => testValue(test, found.value)) && holds(branch, at + 1, fields, joined))
      return true;
  }
  return !present && condition.mayBeAbsent && holds(branch, at + 1, fields, place);
}
