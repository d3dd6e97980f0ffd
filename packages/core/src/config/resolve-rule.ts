import { documentIssue } from '../documents/validate-document.ts';
import { formatDuration } from '../documents/duration.ts';
import type { Issue } from '../errors/lazarus-error.ts';
import type { RuleDocument } from '../rules/rule-schema.ts';
import { digestOf } from './canonical-json.ts';
import type { Catalog } from './catalog.ts';
import type { Loaded } from './config-documents.ts';
import { resolvePrechecks } from './resolve-prechecks.ts';
import type { RuleEntry } from './rule-entry.ts';
import type { ServiceContext } from './service-context.ts';
import type { SettingsDocument } from './settings-schema.ts';
import type { EffectiveRule, Mode, Provenance } from './snapshot.ts';
import { DEFAULT_STALE_AFTER_MS } from '../events/event-type.ts';
import { DEFAULT_TUNABLES } from './tunables.ts';
import type { TunableName, Tunables } from './tunables.ts';

/** Where a rule is resolved: the settings, and what documents can refer to. */
export interface ResolveEnvironment {
  readonly settings: Loaded<SettingsDocument>;
  readonly catalog: Catalog;
}

/** The place of an event, as far as it decides the mode. */
export interface EventPlace {
  readonly environment: string;
  readonly region: string;
}

/** A rule for one service, or why there is none. */
export type Resolution =
  | { readonly ok: true; readonly rule: EffectiveRule }
  | { readonly ok: false; readonly issues: readonly Issue[] };

interface Sourced<T> {
  readonly value: T;
  readonly from: string;
}

const CAUTION: Readonly<Record<Mode, number>> = { off: 0, notify: 1, act: 2 };

/** Applies profile, overrides, settings and defaults to a rule for one service. Keeps S15: the digest covers everything in it. */
export function resolveRule(
  entry: RuleEntry,
  service: ServiceContext,
  place: EventPlace | undefined,
  environment: ResolveEnvironment,
): Resolution {
  const issues: Issue[] = [];
  const rule = entry.ruleFor(service);
  const levels = tunableLevels(entry, rule, service, environment.settings);
  const prechecks = resolvePrechecks({ entry, rule, service, ...environment }, issues);
  const provenance: Record<string, Provenance> = {};
  const take = <T>(name: string, found: Sourced<T>): T => {
    provenance[name] = found;
    return found.value;
  };
  const holdDownMs = take('hold_down', tunable(levels, 'hold_down', DEFAULT_TUNABLES.hold_down));
  const decideWithinMs = take(
    'decide_within',
    tunable(levels, 'decide_within', DEFAULT_TUNABLES.decide_within),
  );
  if (holdDownMs >= decideWithinMs) issues.push(holdsTooLong(entry, service, holdDownMs, decideWithinMs));
  const timeoutMs = take(
    'workflow_timeout',
    tunable(levels, 'workflow_timeout', DEFAULT_TUNABLES.workflow_timeout),
  );
  const group = notificationGroup(levels, service);
  const fraction = optional(levels, 'max_entities_fraction');
  for (const { definition, params, provenance: from } of prechecks) {
    for (const [name, value] of Object.entries(Object(params) as object)) {
      provenance[`prechecks.${definition.name}.${name}`] = { value, from: from[name] ?? 'unknown' };
    }
  }
  const effective: Omit<EffectiveRule, 'digest'> = {
    name: entry.name,
    description: rule.description,
    mode: take('mode', effectiveMode(entry, rule, service, place, environment.settings)),
    action: rule.workflow === undefined ? 'notify_only' : 'workflow',
    ...(rule.workflow === undefined
      ? {}
      : { workflow: effectiveWorkflow(rule.workflow, timeoutMs, environment.catalog) }),
    prechecks,
    lock: { type: rule.lock.type, onBusy: rule.lock.on_busy },
    quorum: {
      required: take('quorum.required', quorumPart(levels, 'required')),
      timeoutMs: take('quorum.timeout', quorumPart(levels, 'timeout')),
    },
    holdDownMs,
    staleAfterMs: take('stale_after', staleAfter(levels, entry, environment)),
    decideWithinMs,
    limits: {
      maxEntities: take('max_entities', tunable(levels, 'max_entities', DEFAULT_TUNABLES.max_entities)),
      ...(fraction === undefined ? {} : { maxEntitiesFraction: take('max_entities_fraction', fraction) }),
    },
    ...(group === undefined ? {} : { notificationGroup: take('notification_group', group) }),
    provenance,
  };
  if (issues.length > 0) return { ok: false, issues };
  return {
    ok: true,
    rule: Object.freeze({ ...effective, digest: ruleDigest(effective) }),
  };
}

function effectiveWorkflow(
  workflow: NonNullable<RuleDocument['workflow']>,
  timeoutMs: number,
  catalog: Catalog,
): NonNullable<EffectiveRule['workflow']> {
  const digest = catalog.workflows.get(workflow.name)?.digest;
  return {
    name: workflow.name,
    ...(digest === undefined ? {} : { digest }),
    timeoutMs,
    inputs: workflow.inputs ?? {},
  };
}

/** Hash of the rule and of the workflow it runs. Where a value came from does not count: two nodes may name files differently. */
function ruleDigest(rule: Omit<EffectiveRule, 'digest'>): string {
  const { provenance: _, prechecks, ...rest } = rule;
  return digestOf({
    ...rest,
    prechecks: prechecks.map(({ definition, params, timeoutMs }) => ({
      check: definition.name,
      params,
      timeoutMs,
    })),
  });
}

function holdsTooLong(
  entry: RuleEntry,
  service: ServiceContext,
  holdDownMs: number,
  decideWithinMs: number,
): Issue {
  const message =
    `hold_down ${formatDuration(holdDownMs)} leaves nothing of decide_within ${formatDuration(decideWithinMs)}` +
    ` for service ${JSON.stringify(service.service)}`;
  return documentIssue(entry.document, entry.base, `rule ${entry.name}: ${message}`);
}

interface Level {
  readonly values: Tunables;
  from(name: TunableName): string;
}

/** From the strongest to the weakest. */
function tunableLevels(
  entry: RuleEntry,
  rule: RuleDocument,
  service: ServiceContext,
  settings: Loaded<SettingsDocument>,
): readonly Level[] {
  const profile = service.profile;
  const own: Tunables = {
    hold_down: rule.hold_down,
    stale_after: rule.stale_after,
    decide_within: rule.decide_within,
    quorum: rule.quorum,
    workflow_timeout: rule.workflow?.workflow_timeout,
    max_entities: rule.limits?.max_entities,
    max_entities_fraction: rule.limits?.max_entities_fraction,
    notification_group: rule.notification_group ?? rule.workflow?.notification_group,
  };
  return [
    { values: service.tunables, from: (name) => service.overrideFrom(name) },
    { values: own, from: (name) => entry.sourceOf([name], service) ?? `rule ${entry.name}` },
    { values: profile?.value.defaults ?? {}, from: () => `profile ${profile?.name ?? ''} (default)` },
    { values: settings.value.defaults, from: () => `${settings.document.file} (settings)` },
  ];
}

function optional<K extends TunableName>(
  levels: readonly Level[],
  name: K,
): Sourced<NonNullable<Tunables[K]>> | undefined {
  for (const level of levels) {
    const value = level.values[name];
    if (value !== undefined) return { value: value, from: level.from(name) };
  }
  return undefined;
}

function tunable<K extends TunableName>(
  levels: readonly Level[],
  name: K,
  fallback: NonNullable<Tunables[K]>,
): Sourced<NonNullable<Tunables[K]>> {
  return optional(levels, name) ?? { value: fallback, from: 'built in (default)' };
}

function quorumPart(levels: readonly Level[], part: 'required' | 'timeout'): Sourced<number> {
  for (const level of levels) {
    const quorum = level.values.quorum;
    const whole = typeof quorum === 'number' ? { required: quorum } : quorum;
    const value = whole?.[part];
    if (value !== undefined) return { value, from: level.from('quorum') };
  }
  return {
    value: part === 'required' ? DEFAULT_TUNABLES.quorum_required : DEFAULT_TUNABLES.quorum_timeout,
    from: 'built in (default)',
  };
}

function notificationGroup(levels: readonly Level[], service: ServiceContext): Sourced<string> | undefined {
  const named = optional(levels, 'notification_group');
  if (named !== undefined || service.team === undefined) return named;
  return { value: service.team, from: `team of ${service.file ?? service.service}` };
}

function staleAfter(
  levels: readonly Level[],
  entry: RuleEntry,
  environment: ResolveEnvironment,
): Sourced<number> {
  const named = optional(levels, 'stale_after');
  if (named !== undefined) return named;
  const ages = entry.matcher.eventTypes.map((name) => eventTypeAge(name, environment));
  return {
    value: Math.min(...(ages.length === 0 ? [eventTypeAge('', environment)] : ages)),
    from: 'event type (default)',
  };
}

/** Age at which events of a type no longer act, before a rule is known. */
export function eventTypeAge(name: string, environment: ResolveEnvironment): number {
  const { settings, catalog } = environment;
  return (
    settings.value.stale_after[name] ?? catalog.eventTypes.find(name)?.staleAfterMs ?? DEFAULT_STALE_AFTER_MS
  );
}

/** The most cautious of rule, service, profile, environment, region and the whole. */
function effectiveMode(
  entry: RuleEntry,
  rule: RuleDocument,
  service: ServiceContext,
  place: EventPlace | undefined,
  settings: Loaded<SettingsDocument>,
): Sourced<Mode> {
  const { profile } = service;
  const profileMode = profile?.value.defaults.mode;
  const { mode, modes } = settings.value;
  const file = settings.document.file;
  // A rule that stands alone and says nothing is new: it starts in notify. A rule of a profile has the mode of the profile.
  const starts = entry.profile === undefined ? 'notify' : (profileMode ?? 'notify');
  const levels: (readonly [Mode | undefined, string])[] = [
    [
      rule.mode ?? starts,
      rule.mode === undefined
        ? entry.profile === undefined
          ? 'a new rule'
          : `profile ${entry.profile}`
        : `rule ${entry.name}`,
    ],
    [service.tunables.mode, service.overrideFrom('mode')],
    [profileMode, `profile ${profile?.name ?? ''}`],
    [mode, `${file} (mode)`],
    [
      place === undefined ? undefined : modes.environments[place.environment],
      `${file} (environment ${place?.environment ?? ''})`,
    ],
    [
      place === undefined ? undefined : modes.regions[place.region],
      `${file} (region ${place?.region ?? ''})`,
    ],
  ];
  let most: Sourced<Mode> | undefined;
  for (const [value, from] of levels) {
    if (value !== undefined && (most === undefined || CAUTION[value] < CAUTION[most.value]))
      most = { value, from };
  }
  return most ?? { value: 'notify', from: 'a new rule' };
}
