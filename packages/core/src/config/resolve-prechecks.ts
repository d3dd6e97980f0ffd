import { explainSchemaIssues } from '../documents/schema-issues.ts';
import { documentIssue } from '../documents/validate-document.ts';
import type { Issue } from '../errors/lazarus-error.ts';
import type { BoundPrecondition, Precondition } from '../preconditions/precondition.ts';
import type { RuleDocument } from '../rules/rule-schema.ts';
import type { Catalog } from './catalog.ts';
import { snakeCase } from './catalog.ts';
import type { Loaded } from './config-documents.ts';
import type { RuleEntry } from './rule-entry.ts';
import type { ServiceContext } from './service-context.ts';
import type { SettingsDocument } from './settings-schema.ts';

/** What prechecks are resolved from. */
export interface PrecheckInputs {
  readonly entry: RuleEntry;
  readonly rule: RuleDocument;
  readonly service: ServiceContext;
  readonly settings: Loaded<SettingsDocument>;
  readonly catalog: Catalog;
}

interface Sourced {
  readonly value: unknown;
  readonly from: string;
}

/** Binds every precheck of a rule to its effective parameters; what has no value, or a wrong one, becomes an issue. */
export function resolvePrechecks(inputs: PrecheckInputs, issues: Issue[]): readonly BoundPrecondition[] {
  const bound: BoundPrecondition[] = [];
  for (const [index, precheck] of inputs.rule.prechecks.entries()) {
    const definition = inputs.catalog.preconditions.get(precheck.checkName);
    // An unknown name was reported when the rule was loaded.
    const one = definition === undefined ? undefined : bindOne(definition, index, inputs, issues);
    if (one !== undefined) bound.push(one);
  }
  return bound;
}

function bindOne(
  definition: Precondition,
  index: number,
  inputs: PrecheckInputs,
  issues: Issue[],
): BoundPrecondition | undefined {
  const { entry, rule } = inputs;
  const precheck = rule.prechecks[index];
  const params: Record<string, unknown> = { ...precheck?.params };
  const provenance: Record<string, string> = {};
  for (const name of Object.keys(params)) {
    provenance[name] =
      entry.sourceOf(['prechecks', index, 'params', name], inputs.service) ?? `rule ${entry.name}`;
  }
  const main = mainValue(definition, index, inputs);
  if (main !== undefined && definition.mainParam !== undefined) {
    params[definition.mainParam] = main.value;
    provenance[definition.mainParam] = main.from;
  }
  const parsed = definition.params.safeParse(params);
  if (parsed.success) {
    for (const name of Object.keys(Object(parsed.data) as object))
      provenance[name] ??= `precondition ${definition.name} (default)`;
    return {
      definition,
      params: parsed.data,
      timeoutMs: precheck?.timeout ?? definition.timeoutMs,
      provenance,
    };
  }
  const { mainParam } = definition;
  const isMissing = parsed.error.issues.some(({ path }) => mainParam !== undefined && path[0] === mainParam);
  if (main === undefined && isMissing) {
    issues.push(missingValue(definition, index, inputs));
    return undefined;
  }
  for (const { path, message, hint } of explainSchemaIssues(definition.params, params, parsed.error.issues)) {
    const from = provenance[path.split(/[.[]/, 1)[0] ?? ''];
    const text = `${definition.name}: ${path} ${message}${from === undefined ? '' : ` from ${from}`}, for service ${JSON.stringify(inputs.service.service)}`;
    issues.push(documentIssue(entry.document, [...entry.base, 'prechecks', index], text, hint));
  }
  return undefined;
}

/** Service override, then profile, then the rule's default, then settings; the schema's own default comes last. */
function mainValue(definition: Precondition, index: number, inputs: PrecheckInputs): Sourced | undefined {
  const { entry, rule, service, settings } = inputs;
  const spellings = [definition.name, ...definition.aliases].flatMap((name) => [name, snakeCase(name)]);
  for (const name of spellings) {
    if (service.overrides.has(name))
      return { value: service.overrides.get(name), from: service.overrideFrom(name) };
  }
  for (const name of spellings) {
    const value = service.profile?.defaults.get(name);
    if (value !== undefined) return { value, from: `profile ${service.profile?.name ?? ''} (default)` };
  }
  const own = rule.prechecks[index]?.default;
  if (own !== undefined) {
    return {
      value: own,
      from: entry.sourceOf(['prechecks', index, 'default'], service) ?? `rule ${entry.name} (default)`,
    };
  }
  for (const name of spellings) {
    const value = settings.value.prechecks[name];
    if (value !== undefined) return { value, from: `${settings.document.file} (settings)` };
  }
  return undefined;
}

function missingValue(definition: Precondition, index: number, inputs: PrecheckInputs): Issue {
  const { entry, service } = inputs;
  const message = `${definition.name} of rule ${entry.name} has no value for service ${JSON.stringify(service.service)}`;
  const where = service.file ?? 'a document for the service';
  const hint = `add "${snakeCase(definition.name)}: <value>" to the overrides of ${where}, or "default: <value>" to the check`;
  return documentIssue(entry.document, [...entry.base, 'prechecks', index], message, hint);
}
