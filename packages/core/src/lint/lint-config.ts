import type { CatalogOptions } from '../config/catalog.ts';
import { joinDocuments } from '../config/compile-config.ts';
import type { Configuration } from '../config/configuration.ts';
import { resolveRule } from '../config/resolve-rule.ts';
import type { RuleEntry } from '../config/rule-entry.ts';
import { undocumentedService } from '../config/service-context.ts';
import type { ServiceContext } from '../config/service-context.ts';
import type { Issue } from '../errors/lazarus-error.ts';
import { formatIssue } from '../errors/lazarus-error.ts';
import type { ConfigDocument } from '../ports/config-source.ts';
import type { Finding } from './finding.ts';
import { DEFAULT_TIMING, lintEffective } from './lint-effective.ts';
import type { LintTiming } from './lint-effective.ts';
import { lintMatching } from './lint-matching.ts';
import type { RuleScope } from './lint-matching.ts';

/** What the linter is told besides the documents. */
export interface LintOptions extends CatalogOptions {
  readonly timing?: Partial<LintTiming>;
}

/**
 * Finds what is wrong with a configuration, and what is valid and still probably not meant: refused documents, values that
 * nobody gives, rules that never match or never win, deadlines that do not fit, and the two traps of the pager. Pure; never
 * throws for anything that a document says.
 */
export function lintConfig(documents: readonly ConfigDocument[], options: LintOptions): readonly Finding[] {
  const issues: Issue[] = [];
  const configuration = joinDocuments(documents, options, issues);
  const findings = issues.map((issue): Finding => ({ code: 'invalid', severity: 'error', issue }));
  findings.push(...lintFirstLevel(configuration));
  findings.push(...lintServices(configuration, { ...DEFAULT_TIMING, ...options.timing }));
  for (const entries of scopes(configuration))
    findings.push(...lintMatching(entries, configuration.catalog.eventTypes));
  return unique(findings);
}

/** Rules that can meet at one event: those that stand alone, and with them those of each profile that a service uses. */
function scopes({ rules, profileRules, services }: Configuration): readonly RuleScope[] {
  const sets = [...profileRules].flatMap(([profile, entries]): RuleScope[] => {
    const subscribers = [...services.values()]
      .filter((service) => service.profile?.name === profile)
      .map(({ service }) => service);
    const [service] = subscribers;
    if (service === undefined) return [{ entries, service: 'any' }];
    const about = rules.filter(
      ({ matcher }) =>
        matcher.services.length === 0 || matcher.services.some((name) => subscribers.includes(name)),
    );
    return [{ entries: [...about, ...entries], service }];
  });
  return [{ entries: rules, service: services.names()[0] ?? 'any' }, ...sets];
}

/** Resolves every rule for every service it is about; without any service, for one that nobody documented. */
function lintServices(configuration: Configuration, timing: LintTiming): readonly Finding[] {
  const { services, rules, profileRules, loaded, catalog } = configuration;
  const findings: Finding[] = [];
  const lint = (entry: RuleEntry, service: ServiceContext): void => {
    const resolved = resolveRule(entry, service, undefined, { settings: loaded.settings, catalog });
    if (!resolved.ok) {
      findings.push(
        ...resolved.issues.map((issue): Finding => ({
          code: 'missing_value',
          severity: 'error',
          rule: entry.name,
          issue,
        })),
      );
      return;
    }
    findings.push(
      ...lintEffective({
        entry,
        rule: resolved.rule,
        service: service.service,
        timing,
        settings: loaded.settings.value,
      }),
    );
  };
  for (const entry of rules) {
    const named = entry.matcher.services.map((name) => services.get(name) ?? undocumentedService(name));
    const all = named.length > 0 ? named : [...services.values()];
    for (const service of all.length > 0 ? all : [undocumentedService('any')]) lint(entry, service);
  }
  for (const service of services.values()) {
    for (const entry of profileRules.get(service.profile?.name ?? '') ?? []) lint(entry, service);
  }
  return findings;
}

/** The pager escalates after one minute only when the first level has a single target; with more it takes five. */
function lintFirstLevel({ loaded }: Configuration): readonly Finding[] {
  const { value, document } = loaded.settings;
  const targets = value.pager.first_level_targets;
  if (targets === 1) return [];
  const place = document.locate(['pager', 'first_level_targets']);
  const message = `the first level has ${targets} targets: the pager then waits 5 minutes instead of 1, and people are woken beside Lazarus`;
  const issue: Issue = {
    file: document.file,
    ...place,
    path: 'pager.first_level_targets',
    message,
    hint: 'make Lazarus the only target of the first level',
  };
  return [{ code: 'pager_first_level', severity: 'error', issue }];
}

/** The same finding about many services that are alike is told once for each service, and never twice. */
function unique(findings: readonly Finding[]): readonly Finding[] {
  const seen = new Map(findings.map((finding) => [`${finding.code} ${formatIssue(finding.issue)}`, finding]));
  return [...seen.values()];
}
