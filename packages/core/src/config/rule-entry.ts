import type { DocumentPath } from '../documents/document-path.ts';
import type { ParsedDocument } from '../documents/parsed-document.ts';
import type { RuleDocument } from '../rules/rule-schema.ts';
import type { RuleMatcher } from '../rules/rule-source.ts';
import type { ServiceContext } from './service-context.ts';

/** A rule that can match: its own, or a template of a profile. */
export interface RuleEntry {
  readonly name: string;
  readonly matcher: RuleMatcher;
  readonly priority: number;
  /** Absent for rules that stand alone. */
  readonly profile?: string;
  readonly document: ParsedDocument;
  /** Place of the rule in its document. */
  readonly base: DocumentPath;
  /** The rule with the parameters of the service filled in. */
  ruleFor(service: ServiceContext): RuleDocument;
  /** Where a value of the rule came from, when a parameter gave it. */
  sourceOf(path: DocumentPath, service: ServiceContext): string | undefined;
}

/** The order in which rules that match are asked: explicit priority, then specificity, then name. */
export function compareEntries(left: RuleEntry, right: RuleEntry): number {
  return (
    right.priority - left.priority ||
    right.matcher.specificity - left.matcher.specificity ||
    (left.name < right.name ? -1 : left.name > right.name ? 1 : 0)
  );
}

/** Why `winner` comes before `other`. */
export function whyFirst(winner: RuleEntry, other: RuleEntry): string {
  if (winner.priority !== other.priority)
    return `its priority ${winner.priority} is above ${other.priority} of ${other.name}`;
  const [mine, theirs] = [winner.matcher.specificity, other.matcher.specificity];
  if (mine !== theirs) return `it names ${mine} fields and ${other.name} names ${theirs}`;
  return `priority and number of fields are the same as of ${other.name}, and its name comes first`;
}
