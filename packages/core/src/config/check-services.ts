import type { Issue } from '../errors/lazarus-error.ts';
import { digestOf } from './canonical-json.ts';
import type { Configuration } from './configuration.ts';
import { resolveRule } from './resolve-rule.ts';
import type { RuleEntry } from './rule-entry.ts';
import { undocumentedService } from './service-context.ts';
import type { ServiceContext } from './service-context.ts';

/**
 * Resolves every rule for every service that it is surely about: documented services, and services that its criteria name.
 * Services with the same profile and overrides resolve alike, so one of them stands for all.
 */
export function checkEveryService(configuration: Configuration, issues: Issue[]): void {
  const { services, rules } = configuration;
  const alike = new Map<string, ServiceContext>();
  for (const service of services.values()) {
    const key = digestOf([service.profile?.name, service.tunables, [...service.overrides]]);
    if (!alike.has(key)) alike.set(key, service);
  }
  for (const service of alike.values()) checkService(configuration, service, issues);
  for (const entry of rules) {
    for (const name of entry.matcher.services) {
      check(configuration, entry, services.get(name) ?? undocumentedService(name), issues);
    }
  }
}

/** Resolves the rules of one service, those that name services excepted. */
export function checkService(configuration: Configuration, service: ServiceContext, issues: Issue[]): void {
  const { rules, profileRules } = configuration;
  for (const entry of profileRules.get(service.profile?.name ?? '') ?? [])
    check(configuration, entry, service, issues);
  for (const entry of rules)
    if (entry.matcher.services.length === 0) check(configuration, entry, service, issues);
}

function check(
  { loaded, catalog }: Configuration,
  entry: RuleEntry,
  service: ServiceContext,
  issues: Issue[],
): void {
  const resolved = resolveRule(entry, service, undefined, { settings: loaded.settings, catalog });
  if (!resolved.ok) issues.push(...resolved.issues);
}
