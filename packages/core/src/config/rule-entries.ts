import { didYouMean } from '../documents/suggest.ts';
import { documentIssue } from '../documents/validate-document.ts';
import type { Issue } from '../errors/lazarus-error.ts';
import type { Profile, RuleTemplate } from '../profiles/compile-profile.ts';
import { checkRule } from '../profiles/compile-profile.ts';
import { fillTemplate, referenceOf } from '../profiles/template.ts';
import type { RuleDocument } from '../rules/rule-schema.ts';
import { compileMatcher } from '../rules/rule-source.ts';
import { canonicalJson } from './canonical-json.ts';
import type { Catalog } from './catalog.ts';
import type { Loaded } from './config-documents.ts';
import type { RuleEntry } from './rule-entry.ts';
import type { ServiceContext } from './service-context.ts';

/** The entry of a rule that stands alone. */
export function standaloneEntry(loaded: Loaded<RuleDocument>, catalog: Catalog, issues: Issue[]): RuleEntry {
  const { value, document } = loaded;
  const matcher = compileMatcher(value, { document, base: [] }, catalog.eventTypes, issues);
  const entry: RuleEntry = {
    name: value.name,
    matcher,
    priority: value.priority,
    document,
    base: [],
    ruleFor: () => value,
    sourceOf: () => undefined,
  };
  checkReferences(entry, value, catalog, issues);
  return entry;
}

/** The entries of a profile's rules. A rule is filled in once for all services with the same overrides. */
export function profileEntries(profile: Profile, catalog: Catalog, issues: Issue[]): readonly RuleEntry[] {
  return profile.rules.map((template) => profileEntry(profile, template, catalog, issues));
}

function profileEntry(
  profile: Profile,
  template: RuleTemplate,
  catalog: Catalog,
  issues: Issue[],
): RuleEntry {
  const filled = new Map<string, RuleDocument>();
  const fill = (overrides: ReadonlyMap<string, unknown>): RuleDocument => {
    const values = new Map([...profile.defaults, ...overrides]);
    const key = canonicalJson(Object.fromEntries(overrides));
    const known = filled.get(key);
    if (known !== undefined) return known;
    const found: Issue[] = [];
    const rule = checkRule(fillTemplate(template.template, values), profile.document, template.index, found);
    // Values were checked against their parameters; what is still wrong was reported when the profile was loaded.
    const result = rule ?? fill(new Map());
    filled.set(key, result);
    return result;
  };
  const entry: RuleEntry = {
    name: template.name,
    matcher: template.matcher,
    priority: template.priority,
    profile: profile.name,
    document: profile.document,
    base: ['rules', template.index],
    ruleFor: (service) => fill(parametersOf(profile, service)),
    sourceOf: (path, service) => {
      const name = referenceOf(path.reduce<unknown>(step, template.template));
      if (name === undefined) return undefined;
      return service.overrides.has(name) ? service.overrideFrom(name) : `profile ${profile.name} (default)`;
    },
  };
  const rule = template.matcher.branches.length === 0 ? undefined : fill(new Map());
  if (rule !== undefined) checkReferences(entry, rule, catalog, issues);
  return entry;
}

function step(value: unknown, segment: PropertyKey): unknown {
  return typeof value === 'object' && value !== null
    ? (value as Record<PropertyKey, unknown>)[segment]
    : undefined;
}

function parametersOf(profile: Profile, service: ServiceContext): ReadonlyMap<string, unknown> {
  return new Map([...service.overrides].filter(([name]) => Object.hasOwn(profile.value.parameters, name)));
}

/** Reports checks, parameters of checks, workflows and inputs that nobody knows. */
function checkReferences(entry: RuleEntry, rule: RuleDocument, catalog: Catalog, issues: Issue[]): void {
  const report = (path: readonly PropertyKey[], message: string, hint?: string): void => {
    issues.push(documentIssue(entry.document, [...entry.base, ...path], message, hint));
  };
  for (const [index, { checkName, default: value, params }] of rule.prechecks.entries()) {
    const definition = catalog.preconditions.get(checkName);
    if (definition === undefined) {
      const hint =
        didYouMean(checkName, catalog.preconditions.keys()) ??
        `known: ${[...catalog.preconditions.keys()].join(', ')}`;
      report(['prechecks', index, 'checkName'], `no check is called ${JSON.stringify(checkName)}`, hint);
    } else if (value !== undefined && definition.mainParam === undefined) {
      report(['prechecks', index, 'default'], `${checkName} takes no default`, 'use params');
    } else if (
      value !== undefined &&
      definition.mainParam !== undefined &&
      params?.[definition.mainParam] !== undefined
    ) {
      report(
        ['prechecks', index, 'params', definition.mainParam],
        `found twice, here and as default; expected one`,
      );
    }
  }
  if (rule.workflow === undefined) return;
  const workflow = catalog.workflows.get(rule.workflow.name);
  if (workflow === undefined) {
    const hint =
      didYouMean(rule.workflow.name, catalog.workflows.keys()) ??
      `known: ${[...catalog.workflows.keys()].join(', ')}`;
    report(['workflow', 'name'], `no workflow is called ${JSON.stringify(rule.workflow.name)}`, hint);
  }
  for (const name of Object.keys(rule.workflow.inputs ?? {})) {
    if (workflow?.inputs === undefined || workflow.inputs.includes(name)) continue;
    report(
      ['workflow', 'inputs', name],
      `workflow ${workflow.name} has no input ${JSON.stringify(name)}`,
      didYouMean(name, workflow.inputs),
    );
  }
}
