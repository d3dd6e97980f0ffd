import { describeFound } from '../documents/document-path.ts';
import type { LazarusEvent } from '../events/event.ts';
import { describeTests } from '../patterns/describe-tests.ts';
import { FieldReader } from '../patterns/event-fields.ts';
import type { FieldValue } from '../patterns/event-fields.ts';
import type { Conjunction, FieldCondition } from '../patterns/parse-pattern.ts';
import { testValue } from '../patterns/test-value.ts';
import type { RuleEntry } from './rule-entry.ts';

/** A rule that came near, and what kept it from matching. */
export interface NearRule {
  readonly rule: string;
  readonly because: string;
}

/** Most rules that are looked at: an event without a rule must not cost more than one with a rule. */
const MAX_CONSIDERED = 200;
const MAX_REPORTED = 3;

/** The rules of which the fewest conditions failed, for the explanation of an event that no rule matched. */
export function nearestRules(entries: readonly RuleEntry[], event: LazarusEvent): readonly NearRule[] {
  const byType = (entry: RuleEntry): number =>
    entry.matcher.eventTypes.length === 0 || entry.matcher.eventTypes.includes(event.event_type) ? 0 : 1;
  const considered =
    entries.length <= MAX_CONSIDERED
      ? entries
      : entries.filter((entry) => byType(entry) === 0).slice(0, MAX_CONSIDERED);
  const near = considered.map((entry) => ({ entry, failures: leastFailures(entry, event) }));
  near.sort(
    (left, right) => left.failures.length - right.failures.length || byType(left.entry) - byType(right.entry),
  );
  return near
    .slice(0, MAX_REPORTED)
    .map(({ entry, failures }) => ({ rule: entry.name, because: failures.slice(0, 3).join(', ') }));
}

function leastFailures(entry: RuleEntry, event: LazarusEvent): readonly string[] {
  const branches = entry.matcher.branches.map((branch) => failuresOf(branch, event));
  const [least = []] = [...branches].sort((left, right) => left.length - right.length);
  if (least.length > 0 || entry.matcher.where === undefined)
    return least.length > 0 ? least : ['its conditions hold for different elements of a list'];
  const { error } = entry.matcher.where.test(event);
  return [
    `where ${entry.matcher.where.source} ${error === undefined ? 'does not hold' : `has no answer: ${error}`}`,
  ];
}

function failuresOf(branch: Conjunction, event: LazarusEvent): readonly string[] {
  const reader = new FieldReader();
  const paths = branch.map((condition) => reader.numberOf(condition.path));
  const fields: (FieldValue[] | undefined)[] = [];
  reader.read(event, fields, []);
  return branch.flatMap((condition, at) => {
    const values = fields[paths[at] ?? -1] ?? [];
    if (holds(condition, values)) return [];
    const name = condition.path.replace(/^attributes\./, '');
    const found =
      values.length === 0
        ? 'nothing'
        : values
            .slice(0, 3)
            .map(({ value }) => describeFound(value))
            .join(', ');
    return [`${name} is ${found}, expected ${describeTests(condition.tests)}`];
  });
}

function holds(condition: FieldCondition, values: readonly FieldValue[]): boolean {
  if (values.length === 0) return condition.tests.some((test) => test.kind === 'absent');
  return values.some(({ value }) => condition.tests.some((test) => testValue(test, value)));
}
