import { z } from 'zod';
import { ConfigurationError } from '../errors/lazarus-error.ts';
import type { Issue } from '../errors/lazarus-error.ts';
import { describeFound } from '../documents/document-path.ts';
import type { Precondition, PreconditionContext, Verdict } from './precondition.ts';

const NAME = /^[A-Z][A-Za-z0-9]{1,63}$/;
const MAX_SUMMARY = 200;
const MAX_TIMEOUT_MS = 60_000;

/** Time that a check gets when its definition says nothing, milliseconds. */
export const DEFAULT_CHECK_TIMEOUT_MS = 5_000;

/** What an author of a precondition writes. */
export interface PreconditionSpec<N extends string, S extends z.ZodType> {
  /** Name in YAML: a capital letter, then letters and digits, at most 64. */
  readonly name: N;
  /** Other names under which rules may use it. */
  readonly aliases?: readonly string[];
  /** What it checks, in one line of at most 200 characters. */
  readonly summary: string;
  /** Parameters; a `z.strictObject`, so that a misspelled one is refused. */
  readonly params: S;
  /** The parameter that a rule's `default` and a profile's value set. */
  readonly mainParam?: Extract<keyof z.output<S>, string>;
  /** 1 to 60 000. @defaultValue 5000 */
  readonly timeoutMs?: number;
  /** Set it when the check calls `probe`: without a probe, rules that use it are then refused at load. @defaultValue false */
  readonly usesProbe?: boolean;
  check(context: PreconditionContext<z.output<S>>): Promise<Verdict> | Verdict;
}

/**
 * Describes a precondition: one question whose answer must be yes on enough nodes before Lazarus acts. The result is inert
 * data that the YAML loader, the docs, the tests and the evaluator read. A check that throws, hangs or answers something
 * else than a verdict has failed.
 *
 * @throws ConfigurationError `LZ_DEFINITION_INVALID`, with everything that is wrong.
 * @example
 * ```ts
 * const notOnFriday = definePrecondition({
 *   name: 'NotOnFriday',
 *   summary: 'It is not Friday.',
 *   params: z.strictObject({}),
 *   check: ({ clock }) =>
 *     new Date(clock.now()).getUTCDay() === 5 ? { verdict: 'fail', reason: 'it is Friday' } : { verdict: 'pass' },
 * });
 * ```
 */
export function definePrecondition<const N extends string, S extends z.ZodType>(
  spec: PreconditionSpec<N, S>,
): Precondition<N, S> {
  const issues = problemsOf(spec);
  if (issues.length > 0) {
    throw new ConfigurationError({
      code: 'LZ_DEFINITION_INVALID',
      summary: `precondition ${spec.name} is not well defined:`,
      issues,
    });
  }
  return Object.freeze({
    kind: 'precondition',
    name: spec.name,
    aliases: Object.freeze([...(spec.aliases ?? [])]),
    summary: spec.summary,
    params: spec.params,
    timeoutMs: spec.timeoutMs ?? DEFAULT_CHECK_TIMEOUT_MS,
    usesProbe: spec.usesProbe ?? false,
    check: spec.check.bind(spec),
    ...(spec.mainParam === undefined ? {} : { mainParam: spec.mainParam }),
  });
}

/** Plain JavaScript can pass anything: the compiler's promises are not relied on. */
function problemsOf(given: PreconditionSpec<string, z.ZodType>): Issue[] {
  const spec: Partial<Record<keyof typeof given, unknown>> &
    Pick<typeof given, 'name' | 'aliases' | 'params'> = given;
  const issues: Issue[] = [];
  const refuse = (path: string, message: string, hint?: string): void => {
    issues.push({ path, message, ...(hint === undefined ? {} : { hint }) });
  };
  if (!NAME.test(spec.name))
    refuse('name', `"${spec.name}" is not a capital letter followed by letters and digits`);
  for (const alias of spec.aliases ?? []) {
    if (!NAME.test(alias))
      refuse('aliases', `"${alias}" is not a capital letter followed by letters and digits`);
  }
  const { summary } = spec;
  if (
    typeof summary !== 'string' ||
    summary.trim() === '' ||
    summary.length > MAX_SUMMARY ||
    summary.includes('\n')
  ) {
    refuse('summary', `is not one line of 1 to ${MAX_SUMMARY} characters`);
  }
  const timeoutMs = spec.timeoutMs ?? DEFAULT_CHECK_TIMEOUT_MS;
  if (
    typeof timeoutMs !== 'number' ||
    !Number.isInteger(timeoutMs) ||
    timeoutMs < 1 ||
    timeoutMs > MAX_TIMEOUT_MS
  ) {
    refuse('timeoutMs', `${describeFound(timeoutMs)} is not a whole number from 1 to ${MAX_TIMEOUT_MS}`);
  }
  if (typeof spec.check !== 'function') refuse('check', 'is not a function');
  const names = parameterNames(spec.params);
  if (names === undefined) {
    refuse('params', 'cannot be described as a JSON Schema of an object', 'use z.strictObject');
  } else if (typeof spec.mainParam === 'string' && !names.includes(spec.mainParam)) {
    refuse('mainParam', `"${spec.mainParam}" is not one of the parameters`, names.join(', '));
  }
  return issues;
}

/** Names of the parameters by the schema, or `undefined` when docs and console could not show them. */
function parameterNames(params: z.ZodType): readonly string[] | undefined {
  try {
    const described = z.toJSONSchema(params, { io: 'input' });
    if (described.type !== 'object') return undefined;
    return Object.keys(described.properties ?? {});
  } catch {
    return undefined;
  }
}
