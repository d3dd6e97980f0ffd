import type { Catalog } from '../config/catalog.ts';
import type { Loaded } from '../config/config-documents.ts';
import { TUNABLE_NAMES } from '../config/tunables.ts';
import type { ParsedDocument } from '../documents/parsed-document.ts';
import { didYouMean } from '../documents/suggest.ts';
import { checkDocument, documentIssue } from '../documents/validate-document.ts';
import type { Issue } from '../errors/lazarus-error.ts';
import { RuleSchema } from '../rules/rule-schema.ts';
import type { RuleDocument } from '../rules/rule-schema.ts';
import { compileMatcher } from '../rules/rule-source.ts';
import type { RuleMatcher } from '../rules/rule-source.ts';
import type { ProfileDocument } from './profile-schema.ts';
import { fillTemplate, referencesIn } from './template.ts';

/** A rule of a profile, before its parameters are filled in. */
export interface RuleTemplate {
  /** `<profile>.<rule>` */
  readonly name: string;
  /** Sections of the profile that the rule does not bring itself are already in it. */
  readonly template: Readonly<Record<string, unknown>>;
  readonly matcher: RuleMatcher;
  readonly priority: number;
  readonly index: number;
}

/** A profile, compiled once for all services that subscribe to it. */
export interface Profile {
  readonly name: string;
  readonly value: ProfileDocument;
  readonly document: ParsedDocument;
  /** Default of each parameter that has one. */
  readonly defaults: ReadonlyMap<string, unknown>;
  readonly rules: readonly RuleTemplate[];
}

/** Sections that decide when a rule matches: shared by all services, so they cannot depend on parameters. */
const SHARED_SECTIONS: ReadonlySet<unknown> = new Set(['name', 'criteria', 'where', 'priority']);

/** Compiles a profile and reports what is wrong with its parameters, references and rules. */
export function compileProfile(loaded: Loaded<ProfileDocument>, catalog: Catalog, issues: Issue[]): Profile {
  const { value, document } = loaded;
  checkParameterNames(loaded, issues);
  const defaults = new Map<string, unknown>();
  for (const [name, parameter] of Object.entries(value.parameters)) {
    if (parameter.default !== undefined) defaults.set(name, parameter.default);
  }
  const rules = value.rules.map((rule, index) => {
    const template = withCommon(value, rule);
    checkReferences(loaded, template, index, issues);
    const checked = checkRule(fillTemplate(template, defaults), document, index, issues);
    const matcher =
      checked === undefined
        ? NO_MATCHER
        : compileMatcher(checked, { document, base: ['rules', index] }, catalog.eventTypes, issues);
    return {
      name: `${value.profile}.${rule.name}`,
      template,
      matcher,
      priority: checked?.priority ?? 0,
      index,
    };
  });
  return { name: value.profile, value, document, defaults, rules };
}

/** A rule that only notifies has no use for the workflow of the others. */
function withCommon(
  { common }: ProfileDocument,
  rule: ProfileDocument['rules'][number],
): Readonly<Record<string, unknown>> {
  const { workflow, ...rest } = common;
  const needsWorkflow = rule['action'] !== 'notify_only' && workflow !== undefined;
  return { ...rest, ...(needsWorkflow ? { workflow } : {}), ...rule };
}

const NO_MATCHER: RuleMatcher = { branches: [], specificity: 0, services: [], eventTypes: [] };

/** Checks a filled-in template against the schema of rules; issues point at the template. */
export function checkRule(
  filled: unknown,
  document: ParsedDocument,
  index: number,
  issues: Issue[],
): RuleDocument | undefined {
  const checked = checkDocument(RuleSchema, {
    file: document.file,
    value: filled,
    locate: (path, part) => document.locate(['rules', index, ...path], part),
  });
  if (checked.ok) return checked.value;
  issues.push(...checked.issues);
  return undefined;
}

function checkParameterNames({ value, document }: Loaded<ProfileDocument>, issues: Issue[]): void {
  for (const name of Object.keys(value.parameters)) {
    if (name !== 'mode' && !(TUNABLE_NAMES as readonly string[]).includes(name)) continue;
    const hint = 'set it under defaults; every service can override it without a parameter';
    issues.push(
      documentIssue(document, ['parameters', name], `${name} is built in and cannot be a parameter`, hint),
    );
  }
}

function checkReferences(
  { value, document }: Loaded<ProfileDocument>,
  template: Readonly<Record<string, unknown>>,
  index: number,
  issues: Issue[],
): void {
  const names = Object.keys(value.parameters);
  for (const { name, path } of referencesIn(template)) {
    const inRule = document.locate(['rules', index, ...path]) !== undefined;
    const at = inRule ? ['rules', index, ...path] : ['common', ...path];
    if (!names.includes(name)) {
      issues.push(
        documentIssue(
          document,
          at,
          `no parameter is called ${JSON.stringify(name)}`,
          didYouMean(name, names),
        ),
      );
    }
    if (SHARED_SECTIONS.has(path[0])) {
      issues.push(
        documentIssue(document, at, `${String(path[0])} cannot depend on a parameter: all services share it`),
      );
    }
  }
}
