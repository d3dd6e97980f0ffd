import type { Issue } from '@lazarus/core';

/** The environment that Nagios gives to an event handler (`enable_environment_macros=1`): `NAGIOS_HOSTNAME`, … */
export type NagiosEnvironment = Readonly<Record<string, string | undefined>>;

/** What a value may look like. */
export interface ValueRule {
  readonly pattern: RegExp;
  readonly maxLength: number;
  readonly expected: string;
}

/** Names of hosts, services, regions: nothing that a shell, a URL or a template would read as syntax. */
export const identifier = (maxLength: number): ValueRule => ({
  pattern: /^[A-Za-z0-9][A-Za-z0-9._:@/-]*$/,
  maxLength,
  expected: `1 to ${maxLength} letters, digits or . _ : @ / -`,
});

/** Text on one line. */
export const line = (maxLength: number): ValueRule => ({
  pattern: /^[^\p{Cc}]+$/u,
  maxLength,
  expected: `1 to ${maxLength} characters without control characters`,
});

/** A whole number that is not negative. */
export const wholeNumber: ValueRule = {
  pattern: /^\d{1,15}$/,
  maxLength: 15,
  expected: 'a whole number',
};

/** One of some words. */
export const oneOf = (words: readonly string[]): ValueRule => ({
  pattern: new RegExp(`^(?:${words.join('|')})$`),
  maxLength: 32,
  expected: words.join(', '),
});

/**
 * Reads variables by rules and collects what is wrong. The text of a macro comes from whoever answers a check, so it is
 * compared and copied, never expanded, evaluated or given to a shell.
 */
export class EnvironmentReader {
  readonly issues: Issue[] = [];
  readonly #environment: NagiosEnvironment;

  constructor(environment: NagiosEnvironment) {
    this.#environment = environment;
  }

  /** The value as it is; Nagios leaves macros that do not apply empty, which counts as absent. */
  raw(name: string): string | undefined {
    const value = Object.hasOwn(this.#environment, name) ? this.#environment[name] : undefined;
    return value === undefined || value === '' ? undefined : value;
  }

  /** The first of the variables that is set, if it follows the rule. */
  optional(names: readonly string[], rule: ValueRule): string | undefined {
    const name = names.find((candidate) => this.raw(candidate) !== undefined);
    const value = name === undefined ? undefined : this.raw(name);
    if (name === undefined || value === undefined) return undefined;
    if (value.length <= rule.maxLength && rule.pattern.test(value)) return value;
    this.issues.push({ path: name, message: `found ${shown(value)}, expected ${rule.expected}` });
    return undefined;
  }

  /** Like {@link optional}; absence is an issue too. An empty string stands in for what is missing. */
  required(names: readonly string[], rule: ValueRule, hint: string): string {
    const before = this.issues.length;
    const value = this.optional(names, rule);
    if (value === undefined && this.issues.length === before)
      this.issues.push({ path: names[0] ?? '', message: `is missing, expected ${rule.expected}`, hint });
    return value ?? '';
  }

  /** Free text for people: control characters become spaces, and the rest is cut. */
  text(name: string, maxLength: number): string | undefined {
    const cleaned = this.raw(name)
      ?.replaceAll(/\p{Cc}+/gu, ' ')
      .trim();
    if (cleaned === undefined || cleaned === '') return undefined;
    return cleaned.length > maxLength ? wellFormed(cleaned.slice(0, maxLength)) : cleaned;
  }

  /** A number, or `undefined` when it is absent or none. */
  number(name: string): number | undefined {
    const value = this.raw(name);
    return value !== undefined && wholeNumber.pattern.test(value) ? Number(value) : undefined;
  }
}

/** The value in quotes, short: what a check answers must not flood a log. */
function shown(value: string): string {
  return JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}...` : value);
}

/** Without the half character that a cut may leave at the end. */
function wellFormed(text: string): string {
  return text.replace(/[\uD800-\uDBFF]$/, '');
}
