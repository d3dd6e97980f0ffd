import type { DocumentPath } from '../documents/document-path.ts';
import type { ParsedDocument } from '../documents/parsed-document.ts';
import { documentIssue } from '../documents/validate-document.ts';
import type { Issue } from '../errors/lazarus-error.ts';
import type { EventTypes } from '../events/event-types.ts';
import type { EventType } from '../events/event-type.ts';
import { didYouMean } from '../documents/suggest.ts';
import type { Conjunction } from '../patterns/parse-pattern.ts';
import type { ValueTest } from '../patterns/value-test.ts';
import { parseCriteria } from './criteria.ts';
import type { RuleDocument } from './rule-schema.ts';
import { compileWhere } from './where.ts';
import type { WhereExpression } from './where.ts';

/** When a rule matches, compiled. */
export interface RuleMatcher {
  readonly branches: readonly Conjunction[];
  readonly where?: WhereExpression;
  /** Number of fields that every branch names; an expression counts as one more. */
  readonly specificity: number;
  /** Services that the criteria name literally; empty when they name none. */
  readonly services: readonly string[];
  /** Event types that the criteria name literally; empty when they name none. */
  readonly eventTypes: readonly string[];
}

/** Where a rule is written: its document, and its place in it. */
export interface RuleOrigin {
  readonly document: ParsedDocument;
  readonly base: DocumentPath;
}

/** Compiles criteria and expression of a rule; unknown event types and refused matchers become issues. */
export function compileMatcher(
  rule: Pick<RuleDocument, 'criteria' | 'where'>,
  origin: RuleOrigin,
  types: EventTypes,
  issues: Issue[],
): RuleMatcher {
  const at = (path: DocumentPath): DocumentPath => [...origin.base, ...path];
  const parsed = parseCriteria(rule.criteria);
  if (!parsed.ok) {
    for (const { path, message, hint } of parsed.refusals)
      issues.push(documentIssue(origin.document, at(['criteria', ...path]), message, hint));
  }
  const branches = (parsed.ok ? parsed.branches : []).map((branch) =>
    canonicalTypes(branch, types, origin, issues),
  );
  const eventTypes = literals(branches, 'event_type');
  const inCriteria = rule.criteria['where'];
  const source = rule.where ?? inCriteria;
  const wherePath = rule.where === undefined ? ['criteria', 'where'] : ['where'];
  if (source !== undefined && typeof source !== 'string') {
    issues.push(documentIssue(origin.document, at(wherePath), 'expected a CEL expression'));
  }
  const where = typeof source === 'string' ? compileWhere(source, onlyType(eventTypes, types)) : undefined;
  if (where?.ok === false) issues.push(documentIssue(origin.document, at(wherePath), where.message));
  return {
    branches,
    ...(where?.ok === true ? { where: where.where } : {}),
    specificity: Math.min(...branches.map(fieldCount), Infinity) + (where?.ok === true ? 1 : 0),
    services: literals(branches, 'service'),
    eventTypes,
  };
}

const fieldCount = (branch: Conjunction): number => new Set(branch.map((condition) => condition.path)).size;

function onlyType(names: readonly string[], types: EventTypes): EventType | undefined {
  return names.length === 1 && names[0] !== undefined ? types.find(names[0]) : undefined;
}

/** Replaces other spellings of event types by the canonical one, and reports names that nobody knows. */
function canonicalTypes(
  branch: Conjunction,
  types: EventTypes,
  origin: RuleOrigin,
  issues: Issue[],
): Conjunction {
  return branch.map((condition) => {
    if (condition.path !== 'event_type') return condition;
    return {
      path: condition.path,
      tests: condition.tests.map((test) => canonicalType(test, types, origin, issues)),
    };
  });
}

function canonicalType(test: ValueTest, types: EventTypes, origin: RuleOrigin, issues: Issue[]): ValueTest {
  if (test.kind !== 'equals' || typeof test.value !== 'string') return test;
  const type = types.find(test.value);
  if (type !== undefined) return { kind: 'equals', value: type.name };
  const hint = didYouMean(test.value, types.names) ?? `known: ${types.names.join(', ')}`;
  const path = [...origin.base, 'criteria', 'event_type'];
  issues.push(
    documentIssue(origin.document, path, `no event type is called ${JSON.stringify(test.value)}`, hint),
  );
  return test;
}

/** The literal values of a field, when every branch pins it to literals. */
function literals(branches: readonly Conjunction[], path: string): readonly string[] {
  const values = new Set<string>();
  for (const branch of branches) {
    const condition = branch.find((candidate) => candidate.path === path);
    if (condition === undefined) return [];
    for (const test of condition.tests) {
      if (test.kind !== 'equals' || typeof test.value !== 'string') return [];
      values.add(test.value);
    }
  }
  return [...values];
}
