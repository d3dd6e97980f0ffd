import { formatPath } from '../documents/document-path.ts';
import { ConfigurationError } from '../errors/lazarus-error.ts';
import type { Issue } from '../errors/lazarus-error.ts';
import { parsePattern } from './parse-pattern.ts';
import type { Conjunction, PatternParse } from './parse-pattern.ts';
import { buildPatternIndex } from './pattern-index.ts';
import { readPatternText } from './pattern-text.ts';

/** A pattern with the name that a match returns. Several patterns may share a name: either of them is enough. */
export interface NamedPattern {
  readonly name: string;
  /** An EventBridge event pattern, as data or as JSON text. */
  readonly pattern: unknown;
}

/** Compiled patterns: immutable, and answers for any event. */
export interface CompiledPatterns {
  /** Names of the patterns that match, each once, in the order in which they were given. */
  match(event: unknown): readonly string[];
  /** Names of patterns that no literal, prefix, suffix or range leads to: they are tested whenever their field is there. */
  readonly scanned: readonly string[];
}

/**
 * Compiles event patterns.
 *
 * @throws ConfigurationError `LZ_PATTERN_INVALID` with every refused pattern: name, position and reason.
 * @example
 * ```ts
 * const patterns = compilePatterns([{ name: 'hard', pattern: { attributes: { host_state_type: ['HARD'] } } }]);
 * patterns.match({ attributes: { host_state_type: 'HARD' } }); // ['hard']
 * ```
 */
export function compilePatterns(patterns: readonly NamedPattern[]): CompiledPatterns {
  const issues: Issue[] = [];
  const entries: (readonly Conjunction[])[] = [];
  for (const { name, pattern } of patterns) {
    const parsed = readPattern(pattern);
    if (parsed.ok) entries.push(parsed.branches);
    else
      issues.push(
        ...parsed.refusals.map(({ path, message, hint }) => ({
          file: name,
          path: formatPath(path),
          message,
          ...(hint === undefined ? {} : { hint }),
        })),
      );
  }
  if (issues.length > 0)
    throw new ConfigurationError({
      code: 'LZ_PATTERN_INVALID',
      summary: 'event patterns were refused',
      issues,
    });
  const index = buildPatternIndex(entries);
  const names = patterns.map(({ name }) => name);
  return Object.freeze({
    match: (event: unknown) => named(index.match(event), names),
    scanned: Object.freeze(named(index.scanned, names)),
  });
}

function named(numbers: readonly number[], names: readonly string[]): readonly string[] {
  const list = numbers.map((number) => names[number] ?? '');
  return list.length < 2 ? list : [...new Set(list)];
}

function readPattern(pattern: unknown): PatternParse {
  if (typeof pattern !== 'string') return parsePattern(pattern);
  const text = readPatternText(pattern);
  return text.ok ? parsePattern(text.value) : { ok: false, refusals: [text.refusal] };
}
