import type { LazarusEvent } from '../events/event.ts';
import { buildPatternIndex } from '../patterns/pattern-index.ts';
import type { PatternIndex } from '../patterns/pattern-index.ts';
import type { ConfigDocument } from '../ports/config-source.ts';
import type { Configuration } from './configuration.ts';
import { nearestRules } from './nearest-rules.ts';
import { replaceService } from './replace-service.ts';
import { eventTypeAge, resolveRule } from './resolve-rule.ts';
import type { EventPlace, Resolution } from './resolve-rule.ts';
import { compareEntries, whyFirst } from './rule-entry.ts';
import type { RuleEntry } from './rule-entry.ts';
import { profileEdit } from '../rollout/profile-edit.ts';
import type { ProfileEdit } from '../rollout/profile-edit.ts';
import { undocumentedService } from './service-context.ts';
import type { ServiceContext } from './service-context.ts';
import type { SettingsDocument } from './settings-schema.ts';
import type { EffectiveRule, RuleMatch, Snapshot } from './snapshot.ts';

/** A snapshot together with the settings that the rest of the system is built from. */
export interface CompiledSnapshot extends Snapshot {
  readonly settings: SettingsDocument;
  /** Every rule that applies to a service as it is there, in the order in which they are asked; the mode is that of `place`. */
  rulesOf(service: string, place?: EventPlace): readonly EffectiveRule[];
  /**
   * The snapshot with one service document replaced or added; rules and profiles are shared with this one. `undefined` when
   * the service subscribes to a profile that is not in this snapshot: then the whole has to be compiled.
   *
   * @throws ConfigurationError `LZ_CONFIG_INVALID` with every issue of the document.
   */
  withService(document: ConfigDocument): CompiledSnapshot | undefined;
  /** The profile that a service subscribes to. */
  profileOf(service: string): string | undefined;
  /** The profiles that stand in documents, and how an edit of each is rolled out. */
  readonly profileEdits: ReadonlyMap<string, ProfileEdit>;
  /** Rules that no literal, prefix or range leads to: they are tested for every event. */
  readonly scanned: readonly string[];
}

interface RuleSet {
  readonly entries: readonly RuleEntry[];
  readonly index: PatternIndex;
}

/** Most resolved rules that are kept; services without a document could otherwise make it grow without bound. */
const MAX_RESOLVED = 20_000;

/** What does not change with a service. */
interface SharedRules {
  readonly standalone: RuleSet;
  readonly byProfile: ReadonlyMap<string, RuleSet>;
  readonly names: readonly string[];
}

function shareRules({ rules, profileRules }: Configuration): SharedRules {
  const names = [...rules, ...[...profileRules.values()].flat()].map(({ name }) => name);
  const byProfile = new Map([...profileRules].map(([name, entries]) => [name, ruleSet(entries)]));
  return { standalone: ruleSet(rules), byProfile, names: Object.freeze(names.sort()) };
}

/** Makes the snapshot of a checked configuration. */
export function createSnapshot(
  configuration: Configuration,
  shared = shareRules(configuration),
): CompiledSnapshot {
  const { loaded, catalog, services } = configuration;
  const digest = configuration.digest.value;
  const environment = { settings: loaded.settings, catalog };
  const { standalone, byProfile } = shared;
  const none = ruleSet([]);
  const resolved = new Map<string, Resolution>();

  const serviceOf = (name: string): ServiceContext => services.get(name) ?? undocumentedService(name);
  const setOf = (service: ServiceContext): RuleSet => byProfile.get(service.profile?.name ?? '') ?? none;
  const resolve = (entry: RuleEntry, service: ServiceContext, event: LazarusEvent): Resolution => {
    // None of them can hold a line feed.
    const key = `${entry.name}\n${service.service}\n${event.environment}\n${event.region}`;
    const known = resolved.get(key);
    if (known !== undefined) return known;
    if (resolved.size >= MAX_RESOLVED) resolved.clear();
    const fresh = resolveRule(entry, service, event, environment);
    resolved.set(key, fresh);
    return fresh;
  };

  return Object.freeze({
    digest,
    settings: loaded.settings.value,
    summary: Object.freeze({
      digest,
      rules: shared.names,
      get services() {
        return services.names();
      },
      profiles: [...configuration.profiles.keys()].sort(),
      workflows: [...catalog.workflows.keys()].sort(),
      plugins: catalog.plugins,
    }),
    match: (event: LazarusEvent): RuleMatch => {
      const service = serviceOf(event.service);
      const own = setOf(service);
      const candidates: RuleEntry[] = [];
      addMatching(standalone, event, candidates);
      addMatching(own, event, candidates);
      if (candidates.length > 1) candidates.sort(compareEntries);
      const unresolved: { rule: string; because: string }[] = [];
      for (const entry of candidates) {
        const resolution = resolve(entry, service, event);
        if (resolution.ok) {
          const others = candidates.length === 1 ? NONE : candidates.filter((other) => other !== entry);
          return {
            matched: true,
            rule: resolution.rule,
            others: others.map(({ name }) => name),
            why: why(entry, others),
          };
        }
        unresolved.push({
          rule: entry.name,
          because: resolution.issues.map(({ message }) => message).join('; '),
        });
      }
      const near =
        unresolved.length > 0 ? unresolved : nearestRules([...own.entries, ...standalone.entries], event);
      return { matched: false, nearest: near };
    },
    rule: (name: string, event: LazarusEvent) => {
      const service = serviceOf(event.service);
      const entry = [...setOf(service).entries, ...standalone.entries].find(
        (candidate) => candidate.name === name,
      );
      const resolution = entry === undefined ? undefined : resolve(entry, service, event);
      return resolution?.ok === true ? resolution.rule : undefined;
    },
    withService: (document: ConfigDocument) => {
      const changed = replaceService(configuration, document);
      return changed === undefined ? undefined : createSnapshot(changed, shared);
    },
    rulesOf: (name: string, place?: EventPlace) => {
      const service = serviceOf(name);
      const about = standalone.entries.filter(
        ({ matcher }) => matcher.services.length === 0 || matcher.services.includes(name),
      );
      return [...about, ...setOf(service).entries].sort(compareEntries).flatMap((entry) => {
        const resolution = resolveRule(entry, service, place, environment);
        return resolution.ok ? [resolution.rule] : [];
      });
    },
    profileOf: (name: string) => services.get(name)?.profile?.name,
    profileEdits: new Map(loaded.profiles.map((profile) => [profile.value.profile, profileEdit(profile)])),
    scanned: [standalone, ...byProfile.values()].flatMap(({ entries, index }) =>
      index.scanned.map((number) => entries[number]?.name ?? ''),
    ),
    staleAfterMs: (eventType: string) => eventTypeAge(eventType, environment),
  });
}

const NONE: readonly RuleEntry[] = [];

function ruleSet(entries: readonly RuleEntry[]): RuleSet {
  return { entries, index: buildPatternIndex(entries.map(({ matcher }) => matcher.branches)) };
}

function addMatching({ entries, index }: RuleSet, event: LazarusEvent, found: RuleEntry[]): void {
  if (entries.length === 0) return;
  for (const number of index.match(event)) {
    const entry = entries[number];
    if (entry === undefined) continue;
    if (entry.matcher.where === undefined || entry.matcher.where.test(event).holds) found.push(entry);
  }
}

function why(winner: RuleEntry, others: readonly RuleEntry[]): string {
  const [next] = others;
  return next === undefined ? 'the only rule that matches' : whyFirst(winner, next);
}
