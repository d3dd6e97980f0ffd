import { ConfigurationError } from '../errors/lazarus-error.ts';
import type { Issue } from '../errors/lazarus-error.ts';
import type { ConfigDocument } from '../ports/config-source.ts';
import { BUILT_IN_PROFILES, readBuiltInProfile } from '../profiles/built-in-profiles.ts';
import { compileProfile } from '../profiles/compile-profile.ts';
import type { Profile } from '../profiles/compile-profile.ts';
import { createCatalog } from './catalog.ts';
import { ConfigDigest } from './config-digest.ts';
import { ServiceMap } from './service-map.ts';
import type { Catalog, CatalogOptions } from './catalog.ts';
import type { Configuration } from './configuration.ts';
import { checkEveryService } from './check-services.ts';
import { createSnapshot } from './compiled-snapshot.ts';
import type { CompiledSnapshot } from './compiled-snapshot.ts';
import { loadDocuments } from './config-documents.ts';
import type { LoadedDocuments } from './config-documents.ts';
import { profileEntries, standaloneEntry } from './rule-entries.ts';
import { readService } from './service-context.ts';

/**
 * Parses, checks and compiles a configuration into an immutable snapshot, named by a digest of its content: comments,
 * white space, file names and the order of documents do not change it. Keeps S15: it is all or nothing.
 *
 * @throws ConfigurationError `LZ_CONFIG_INVALID` with every issue of every document.
 * @example
 * ```ts
 * const snapshot = compileConfig(await source.load(), { preconditions, workflows });
 * const match = snapshot.match(event);
 * ```
 */
export function compileConfig(
  documents: readonly ConfigDocument[],
  options: CatalogOptions & {
    /** Other versions of profiles, which count instead of those in `documents`: what an edit is rolled out from. */
    readonly profiles?: readonly ConfigDocument[];
  },
): CompiledSnapshot {
  const issues: Issue[] = [];
  const configuration = joinDocuments(documents, options, issues, options.profiles);
  if (issues.length === 0) checkEveryService(configuration, issues);
  if (issues.length > 0) {
    throw new ConfigurationError({
      summary: `the configuration was refused: ${count(issues.length, 'problem')}`,
      issues,
    });
  }
  return createSnapshot(configuration);
}

const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? '' : 's'}`;

/** Loads all documents and joins them by name; what does not fit becomes an issue. */
export function joinDocuments(
  documents: readonly ConfigDocument[],
  options: CatalogOptions,
  issues: Issue[],
  otherProfiles: readonly ConfigDocument[] = [],
): Configuration {
  const catalog = createCatalog(options);
  const loaded = withProfiles(loadDocuments(documents, issues), otherProfiles, issues);
  const profiles = readProfiles(loaded, catalog, issues);
  const names = [
    ...new Set([...BUILT_IN_PROFILES.keys(), ...loaded.profiles.map((profile) => profile.value.profile)]),
  ];
  const services = loaded.services.map((service) => readService(service, profiles, names, catalog, issues));
  const rules = loaded.rules.map((rule) => standaloneEntry(rule, catalog, issues));
  const profileRules = new Map(
    [...profiles].map(([name, profile]) => [name, profileEntries(profile, catalog, issues)]),
  );
  return {
    loaded,
    catalog,
    profiles,
    services: new ServiceMap(new Map(services.map((service) => [service.service, service]))),
    rules,
    profileRules,
    digest: ConfigDigest.of(
      contentOf(loaded, profiles, options),
      loaded.services.map(({ value, document }) => [value.service, document.value]),
    ),
  };
}

/** Profiles with a document, and the built-in ones that a service subscribes to. */
function readProfiles(
  loaded: LoadedDocuments,
  catalog: Catalog,
  issues: Issue[],
): ReadonlyMap<string, Profile> {
  const profiles = new Map<string, Profile>();
  for (const profile of loaded.profiles)
    profiles.set(profile.value.profile, compileProfile(profile, catalog, issues));
  for (const { value } of loaded.services) {
    if (value.profile === undefined || profiles.has(value.profile)) continue;
    const builtIn = readBuiltInProfile(value.profile);
    if (builtIn !== undefined) profiles.set(value.profile, compileProfile(builtIn, catalog, issues));
  }
  return profiles;
}

/** The documents with other versions of some of their profiles. */
function withProfiles(
  loaded: LoadedDocuments,
  others: readonly ConfigDocument[],
  issues: Issue[],
): LoadedDocuments {
  if (others.length === 0) return loaded;
  const { profiles } = loadDocuments(others, issues);
  const names = new Set(profiles.map(({ value }) => value.profile));
  return {
    ...loaded,
    profiles: [...loaded.profiles.filter(({ value }) => !names.has(value.profile)), ...profiles],
  };
}

/** Everything that the digest covers besides the services. */
function contentOf(
  loaded: LoadedDocuments,
  profiles: ReadonlyMap<string, Profile>,
  options: CatalogOptions,
): unknown {
  const byName = <T extends { readonly name: string }>(list: readonly T[]): readonly T[] =>
    [...list].sort((left, right) => (left.name < right.name ? -1 : 1));
  return {
    rules: byName(loaded.rules.map(({ value, document }) => ({ name: value.name, content: document.value }))),
    profiles: byName([...profiles.values()].map(({ name, document }) => ({ name, content: document.value }))),
    settings: loaded.settings.document.value,
    workflows: byName(options.workflows).map(({ name, digest = null }) => ({ name, digest })),
    preconditions: options.preconditions.map(({ name }) => name).sort(),
    eventTypes: (options.eventTypes ?? []).map(({ name }) => name).sort(),
    plugins: byName(options.plugins ?? []).map(({ name, version }) => ({ name, version })),
  };
}
