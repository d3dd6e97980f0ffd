import type { RuleEntry } from '../config/rule-entry.ts';
import { compareEntries, whyFirst } from '../config/rule-entry.ts';
import { describeFound } from '../documents/document-path.ts';
import { didYouMean } from '../documents/suggest.ts';
import { documentIssue } from '../documents/validate-document.ts';
import type { LazarusEvent } from '../events/event.ts';
import type { EventTypes } from '../events/event-types.ts';
import type { z } from 'zod';
import { buildPatternIndex } from '../patterns/pattern-index.ts';
import type { FieldCondition } from '../patterns/parse-pattern.ts';
import type { Finding, FindingCode } from './finding.ts';
import { covers } from './implication.ts';
import { witnessesOf } from './witness.ts';

/** Rules that can meet at one event. */
export interface RuleScope {
  readonly entries: readonly RuleEntry[];
  /** A service that all of them apply to, for examples; rules that name services use theirs. */
  readonly service: string;
}

/**
 * Findings about when rules match: rules that no event reaches, rules that another one always comes before, and pairs of
 * which only the name decides. Every finding about two rules carries an event that both match.
 *
 * Overlaps are found by trying examples of every rule, so one may be missed; what is reported is true.
 */
export function lintMatching({ entries, service }: RuleScope, types: EventTypes): readonly Finding[] {
  const index = buildPatternIndex(entries.map(({ matcher }) => matcher.branches));
  const findings: Finding[] = [];
  const told = new Set<string>();
  for (const entry of entries) {
    const unreachable = lintReach(entry, types);
    if (unreachable !== undefined) {
      findings.push(unreachable);
      continue;
    }
    for (const event of entry.matcher.branches.flatMap((branch) => witnessesOf(branch, service))) {
      if (!holds(entry, event)) continue;
      for (const number of index.match(event)) {
        const other = entries[number];
        if (other === undefined || other === entry || !holds(other, event)) continue;
        const [first, second] = compareEntries(entry, other) <= 0 ? [entry, other] : [other, entry];
        const key = JSON.stringify([first.name, second.name]);
        if (told.has(key)) continue;
        told.add(key);
        const finding = lintPair(first, second, event);
        if (finding !== undefined) findings.push(finding);
      }
    }
  }
  for (const number of index.scanned) findings.push(...scanned(entries[number]));
  return findings;
}

const holds = ({ matcher }: RuleEntry, event: LazarusEvent): boolean =>
  matcher.where === undefined || matcher.where.test(event).holds;

function finding(
  code: FindingCode,
  entry: RuleEntry,
  message: string,
  more: { hint?: string; counterexample?: LazarusEvent } = {},
): Finding {
  return {
    code,
    severity: 'warning',
    rule: entry.name,
    issue: documentIssue(
      entry.document,
      [...entry.base, 'criteria'],
      `rule ${entry.name} ${message}`,
      more.hint,
    ),
    ...(more.counterexample === undefined ? {} : { counterexample: more.counterexample }),
  };
}

function lintPair(first: RuleEntry, second: RuleEntry, event: LazarusEvent): Finding | undefined {
  const sameWhere =
    first.matcher.where === undefined || first.matcher.where.source === second.matcher.where?.source;
  const always = second.matcher.branches.every((branch) =>
    first.matcher.branches.some((wide) => covers(wide, branch)),
  );
  if (always && sameWhere) {
    const message = `never wins: ${first.name} matches whatever it matches and comes first, because ${whyFirst(first, second)}`;
    return finding('shadowed', second, message, { counterexample: event });
  }
  if (first.priority !== second.priority || first.matcher.specificity !== second.matcher.specificity)
    return undefined;
  const message = `and ${first.name} match the same events, and only their names decide which one wins`;
  return finding('overlap', second, message, { hint: 'give one of them a priority', counterexample: event });
}

function scanned(entry: RuleEntry | undefined): readonly Finding[] {
  if (entry === undefined || entry.matcher.branches.length === 0) return [];
  const message = 'is tested for every event: no literal, prefix, suffix or range leads to it';
  return [finding('scanned', entry, message, { hint: 'name an event_type' })];
}

/** A rule whose conditions exclude each other, or ask for a value that events of its type cannot have. */
function lintReach(entry: RuleEntry, types: EventTypes): Finding | undefined {
  const { branches, eventTypes } = entry.matcher;
  if (branches.length > 0 && branches.every((branch) => witnessesOf(branch, '').length === 0)) {
    return finding('unreachable', entry, 'can never match: two conditions on one field exclude each other');
  }
  for (const condition of branches.flat()) {
    const impossible = eventTypes.length === 0 ? undefined : impossibleValue(condition, eventTypes, types);
    if (impossible !== undefined)
      return finding(
        'unreachable',
        entry,
        impossible.message,
        impossible.hint === undefined ? {} : { hint: impossible.hint },
      );
  }
  return undefined;
}

function impossibleValue(
  condition: FieldCondition,
  names: readonly string[],
  types: EventTypes,
): { readonly message: string; readonly hint?: string } | undefined {
  if (!condition.path.startsWith('attributes.')) return undefined;
  const attribute = condition.path.slice('attributes.'.length);
  const schemas = names.flatMap((name) => {
    const shape: Readonly<Record<string, z.ZodType>> = types.find(name)?.attributes.shape ?? {};
    return shape[attribute] ?? [];
  });
  if (schemas.length < names.length) return undefined;
  const [first] = condition.tests;
  const none = condition.tests.every(
    (test) => test.kind === 'equals' && !schemas.some((schema) => schema.safeParse(test.value).success),
  );
  if (!none || first?.kind !== 'equals') return undefined;
  const message = `can never match: no ${names.join(' or ')} has ${describeFound(first.value)} as ${attribute}`;
  const choices = schemas
    .flatMap((schema) => schema.safeParse(Symbol('none')).error?.issues ?? [])
    .flatMap((issue) => (issue.code === 'invalid_value' ? issue.values.map(String) : []));
  const hint = didYouMean(String(first.value), choices);
  return hint === undefined ? { message } : { message, hint };
}
