import { formatPath } from '../documents/document-path.ts';
import { ConfigurationError } from '../errors/lazarus-error.ts';
import type { Issue } from '../errors/lazarus-error.ts';
import { IndexBuilder } from './index-builder.ts';
import { parsePattern } from './parse-pattern.ts';
import type { PatternParse } from './parse-pattern.ts';
import { toPatternIndex } from './pattern-index.ts';
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
  const builder = new IndexBuilder();
  for (const { name, pattern } of patterns) {
    const parsed = readPattern(pattern);
    // Added at once: what the parser made is garbage before the next pattern is read.
    if (parsed.ok) builder.add(parsed.branches);
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
  const index = toPatternIndex(builder.build());
  const names = patterns.map(({ name }) => name);
  const match = index.labeled(names);
  const areUnique = new Set(names).size === names.length;
  return Object.freeze({
    match: areUnique ? match : (event: unknown) => [...new Set(match(event))],
    scanned: Object.freeze([...new Set(index.scanned.map((number) => names[number] ?? ''))]),
  });
}

function readPattern(pattern: unknown): PatternParse {
  if (typeof pattern !== 'string') return parsePattern(pattern);
  const text = readPatternText(pattern);
  return text.ok ? parsePattern(text.value) : { ok: false, refusals: [text.refusal] };
}
