import type { z } from 'zod';
import { ConfigurationError } from '../errors/lazarus-error.ts';
import type { Issue } from '../errors/lazarus-error.ts';

/** What {@link defineEventType} is given. */
export interface EventTypeDefinition<N extends string = string, S extends z.ZodObject = z.ZodObject> {
  /** Name in events and rules, for example `NagiosHostAlarm`. */
  readonly name: N;
  /** Other spellings that senders use; the canonical name takes their place when the event is read. */
  readonly aliases?: readonly string[];
  /** What happened when this event is sent, one sentence. */
  readonly summary: string;
  /** The attributes that rules can rely on. Others are allowed and left alone. */
  readonly attributes: S;
  /**
   * Age at which events of this type no longer act, milliseconds.
   *
   * @defaultValue 300000 (5 minutes)
   */
  readonly staleAfterMs?: number;
}

/** Result of {@link defineEventType}: inert data that the parser, the linter and the docs read. */
export interface EventType<N extends string = string, S extends z.ZodObject = z.ZodObject> {
  readonly kind: 'event-type';
  readonly name: N;
  readonly aliases: readonly string[];
  readonly summary: string;
  readonly attributes: S;
  readonly staleAfterMs: number;
}

/**
 * Age at which an event no longer acts unless its type or a rule says otherwise, milliseconds.
 *
 * @remarks Source: ours; the Lazarus post filters stale events and does not name the age.
 */
export const DEFAULT_STALE_AFTER_MS = 300_000;

const NAME = /^[A-Za-z][A-Za-z0-9_.-]{0,127}$/;

/**
 * Describes a type of event: the registry is open, and a type of a plugin is as good as a built-in one.
 *
 * @throws ConfigurationError `LZ_DEFINITION_INVALID` when a name, the summary or the age is not usable.
 * @example
 * ```ts
 * const DiskFull = defineEventType({
 *   name: 'DiskFull',
 *   summary: 'A disk of the host has no room left.',
 *   attributes: z.looseObject({ mount: z.string(), used_percent: z.number().optional() }),
 * });
 * ```
 */
export function defineEventType<const N extends string, S extends z.ZodObject>(
  definition: EventTypeDefinition<N, S>,
): EventType<N, S> {
  const { name, aliases = [], summary, attributes, staleAfterMs = DEFAULT_STALE_AFTER_MS } = definition;
  const issues: Issue[] = [];
  for (const [index, spelling] of [name, ...aliases].entries()) {
    const path = index === 0 ? 'name' : `aliases[${index - 1}]`;
    if (!NAME.test(spelling))
      issues.push({ path, message: `${JSON.stringify(spelling)} is not a name of letters, digits, _ . -` });
  }
  if (summary.trim() === '') issues.push({ path: 'summary', message: 'is empty, expected one sentence' });
  if (!(staleAfterMs > 0))
    issues.push({ path: 'staleAfterMs', message: `found ${staleAfterMs}, expected more than 0` });
  if (issues.length > 0) {
    throw new ConfigurationError({
      code: 'LZ_DEFINITION_INVALID',
      summary: `event type ${name} is not well defined`,
      issues,
    });
  }
  return Object.freeze({
    kind: 'event-type',
    name,
    aliases: Object.freeze([...aliases]),
    summary,
    attributes,
    staleAfterMs,
  });
}
