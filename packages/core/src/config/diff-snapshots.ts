import type { LazarusEvent } from '../events/event.ts';
import { cutoffsOf, positionOf } from '../rollout/wave-order.ts';
import { canonicalJson } from './canonical-json.ts';
import type { CompiledSnapshot } from './compiled-snapshot.ts';
import type { EffectiveRule } from './snapshot.ts';

/** One effective value that differs. */
export interface ValueChange {
  /** `workflow_timeout`, `prechecks.MinActiveHosts.minimum`, … */
  readonly value: string;
  readonly before: unknown;
  readonly after: unknown;
  /** The document that gives the new value, or gave the old one when there is none now. */
  readonly from: string;
}

/** What changes for one service. */
export interface ServiceChange {
  readonly service: string;
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly changed: readonly { readonly rule: string; readonly values: readonly ValueChange[] }[];
}

/** A recorded event that another rule, or the same rule with other values, would answer. */
export interface DecisionChange {
  readonly event: string;
  readonly service: string;
  readonly before: string;
  readonly after: string;
}

/** How an edit of a profile will reach its services. */
export interface RolloutPlan {
  readonly profile: string;
  readonly waves: readonly {
    readonly share: number;
    /** Services that the edit reaches with this wave, by name. */
    readonly services: readonly string[];
  }[];
}

/** What a change of the configuration changes. */
export interface SnapshotDiff {
  readonly before: string;
  readonly after: string;
  /** Services for which anything changes, by name. */
  readonly services: readonly ServiceChange[];
  /** How many documented services there are before and after. */
  readonly total: number;
  readonly decisions: readonly DecisionChange[];
  /** Edits of profiles that do not reach everybody at once, and whom each wave reaches. */
  readonly rollouts: readonly RolloutPlan[];
}

/**
 * Compares two snapshots by what they mean: the effective rules of every documented service, and, for the events given, the
 * rule that would answer each. Editing one profile shows every subscriber that it reaches.
 */
export function diffSnapshots(
  before: CompiledSnapshot,
  after: CompiledSnapshot,
  events: readonly LazarusEvent[] = [],
): SnapshotDiff {
  const names = [
    ...new Set([
      ...before.summary.services,
      ...after.summary.services,
      ...events.map(({ service }) => service),
    ]),
  ].sort();
  const services = names.map((service) =>
    diffService(service, before.rulesOf(service), after.rulesOf(service)),
  );
  return {
    before: before.digest,
    after: after.digest,
    services: services.filter(
      ({ added, removed, changed }) => added.length + removed.length + changed.length > 0,
    ),
    total: names.length,
    decisions: events.flatMap((event) => diffDecision(event, before, after)),
    rollouts: [...after.profileEdits.keys()].sort().flatMap((profile) => planRollout(profile, before, after)),
  };
}

function planRollout(
  profile: string,
  before: CompiledSnapshot,
  after: CompiledSnapshot,
): readonly RolloutPlan[] {
  const [old, now] = [before.profileEdits.get(profile), after.profileEdits.get(profile)];
  if (old === undefined || now?.terms === undefined || old.edit === now.edit) return [];
  const { edit, terms } = now;
  const services = after.summary.services.filter((service) => after.profileOf(service) === profile);
  const cutoffs = cutoffsOf(terms.waves, edit, services);
  const waveOf = (service: string): number =>
    cutoffs.findIndex((cutoff) => positionOf(edit, service) < cutoff);
  const waves = terms.waves.map((share, wave) => ({
    share,
    services: services.filter((service) => waveOf(service) === wave),
  }));
  return [{ profile, waves }];
}

function diffService(
  service: string,
  before: readonly EffectiveRule[],
  after: readonly EffectiveRule[],
): ServiceChange {
  const old = new Map(before.map((rule) => [rule.name, rule]));
  const names = new Set(after.map(({ name }) => name));
  return {
    service,
    added: after.filter(({ name }) => !old.has(name)).map(({ name }) => name),
    removed: before.filter(({ name }) => !names.has(name)).map(({ name }) => name),
    changed: after.flatMap((rule) => {
      const was = old.get(rule.name);
      return was === undefined || was.digest === rule.digest
        ? []
        : [{ rule: rule.name, values: changedValues(was, rule) }];
    }),
  };
}

function changedValues(before: EffectiveRule, after: EffectiveRule): readonly ValueChange[] {
  const [old, now] = [valuesOf(before), valuesOf(after)];
  return [...new Set([...old.keys(), ...now.keys()])].flatMap((value) => {
    const [left, right] = [old.get(value), now.get(value)];
    if (canonicalJson(left) === canonicalJson(right)) return [];
    const from = (after.provenance[value] ?? before.provenance[value])?.from ?? `rule ${after.name}`;
    return [{ value, before: left, after: right, from }];
  });
}

/** Every value of a rule by the name that documents use. What is not tracked one by one appears as a whole. */
function valuesOf(rule: EffectiveRule): ReadonlyMap<string, unknown> {
  const values = new Map<string, unknown>(
    Object.entries(rule.provenance).map(([name, { value }]) => [name, value]),
  );
  values.set(
    'prechecks',
    rule.prechecks.map(({ definition, timeoutMs }) => `${definition.name} within ${timeoutMs} ms`),
  );
  values.set('workflow', rule.workflow?.name);
  values.set('workflow.definition', rule.workflow?.digest);
  values.set('workflow.inputs', rule.workflow?.inputs);
  values.set('lock', rule.lock);
  values.set('description', rule.description);
  return values;
}

function diffDecision(
  event: LazarusEvent,
  before: CompiledSnapshot,
  after: CompiledSnapshot,
): readonly DecisionChange[] {
  const [left, right] = [before.match(event), after.match(event)];
  const [leftDigest, rightDigest] = [left, right].map((match) => (match.matched ? match.rule.digest : ''));
  if (leftDigest === rightDigest) return [];
  const say = (match: typeof left): string =>
    match.matched ? `${match.rule.name} (${match.rule.mode})` : 'no rule';
  return [
    { event: `${event.source}/${event.id}`, service: event.service, before: say(left), after: say(right) },
  ];
}
