/**
 * `${{ … }}` expressions: CEL, type-checked at load, without any way to run code.
 *
 * 1. The source is divided at `??` (outside of quotes and brackets): the first part that has a value wins.
 * 2. Each part is parsed once and checked against the declared variables. Its cost is bounded by what it may call, and by
 *    the weight of the values where the cost could grow faster than they do (`cel-tree.ts`).
 * 3. Numbers are CEL doubles; comparing or combining one with a whole-number literal is allowed.
 */
import { ConfigurationError, WorkflowError } from '@lazarus/core';
import type { Json } from '@lazarus/core/ports';
import type { ParseResult } from '@marcbachmann/cel-js';
import { EvaluationError } from '@marcbachmann/cel-js';
import { evaluation } from './cel-environment.ts';
import type { TypeScope } from './cel-environment.ts';
import { inspectTree } from './cel-tree.ts';
import type { Reference, TreeReport } from './cel-tree.ts';
import { jsonTypeOf, toJson } from './cel-value.ts';
import { splitAlternatives } from './scanner.ts';
import type { ValueType } from './value-type.ts';

/** Values of the variables. */
export type ExpressionValues = Readonly<Record<string, unknown>>;

/** A parsed expression. */
export interface Expression {
  readonly source: string;
  /** Every path that it reads, longest form; a path ends where an index is computed. */
  readonly references: readonly Reference[];
  /** True when it names a fallback with `??`, so that a missing value is expected. */
  readonly hasFallback: boolean;
  /** Checks types against a scope; returns the type, or what is wrong. */
  check(
    scope: TypeScope,
  ): { readonly ok: true; readonly type: ValueType } | { readonly ok: false; readonly message: string };
  /**
   * @throws WorkflowError `LZ_EXPRESSION_INVALID` when a value is missing, types do not fit, the values are too many for a
   * macro, or JSON cannot hold the result.
   */
  evaluate(values: ExpressionValues): Json;
}

interface Part extends TreeReport {
  readonly text: string;
  readonly run: ParseResult;
}

/** Longest expression, characters. */
export const MAX_SOURCE = 1_000;
/** Most entries and characters of the values that a macro or a join reads. */
const MAX_ENTRIES = 1_000;
const MAX_CHARACTERS = 10_000;

/**
 * Parses one expression (without its `${{ }}`).
 *
 * @throws ConfigurationError `LZ_EXPRESSION_INVALID`.
 */
export function parseExpression(source: string): Expression {
  if (source.length > MAX_SOURCE) throw refusal(source, `longer than ${MAX_SOURCE} characters`);
  const parts = splitAlternatives(source).map((part) => parsePart(source, part));
  return {
    source,
    references: parts.flatMap((part) => part.references),
    hasFallback: parts.length > 1,
    check: (scope) => checkParts(parts, scope),
    evaluate: (values) => evaluateParts(source, parts, values),
  };
}

function refusal(source: string, message: string): ConfigurationError {
  const shown = source.length > 200 ? `${source.slice(0, 197)}...` : source;
  return new ConfigurationError({
    code: 'LZ_EXPRESSION_INVALID',
    summary: `the expression ${JSON.stringify(shown)} was refused: ${message}`,
    issues: [],
  });
}

function parsePart(source: string, text: string): Part {
  let run: ParseResult;
  try {
    run = evaluation.parse(text);
  } catch (error) {
    const why = text.includes('??') ? '?? stands between whole expressions, outside of brackets' : undefined;
    throw refusal(source, why ?? summaryOf(error));
  }
  const report = inspectTree(run.ast);
  if (report.refusal !== undefined) throw refusal(source, report.refusal);
  return { text, run, ...report };
}

function summaryOf(error: unknown): string {
  if (typeof error === 'object' && error !== null && 'summary' in error) return String(error.summary);
  return error instanceof Error ? error.message : String(error);
}

function checkParts(parts: readonly Part[], scope: TypeScope): ReturnType<Expression['check']> {
  const types: ValueType[] = [];
  for (const { text } of parts) {
    const result = scope.environment.parse(text).check();
    if (!result.valid) return { ok: false, message: summaryOf(result.error) };
    types.push(jsonTypeOf(result.type));
  }
  const known = types.filter((type) => type !== 'null');
  const first = known[0] ?? 'null';
  return {
    ok: true,
    type: known.length === types.length && known.every((type) => type === first) ? first : 'dyn',
  };
}

const MISSING: ReadonlySet<string> = new Set(['no_such_key', 'index_out_of_bounds']);

function evaluateParts(source: string, parts: readonly Part[], values: ExpressionValues): Json {
  for (const [index, part] of parts.entries()) {
    const isLast = index === parts.length - 1;
    try {
      if (part.multiplies) weigh(part.references, values);
      const value = toJson(part.run(values));
      if (value !== null || isLast) return value;
    } catch (error) {
      const isMissing = error instanceof EvaluationError && MISSING.has(error.code);
      if (isLast || !isMissing) {
        throw new WorkflowError({
          code: 'LZ_EXPRESSION_INVALID',
          message: `the expression ${JSON.stringify(source)} has no value: ${summaryOf(error)}`,
          cause: error,
        });
      }
    }
  }
  return null;
}

/** @throws RangeError when what the references read is more than a macro may go through. */
function weigh(references: readonly Reference[], values: ExpressionValues): void {
  const open = references.map((path) => valueAt(path, values));
  let entries = 0;
  let characters = 0;
  while (open.length > 0) {
    const value = open.pop();
    entries += 1;
    if (typeof value === 'string') characters += value.length;
    else if (typeof value === 'object' && value !== null)
      for (const inner of Object.values(value)) open.push(inner);
    if (entries > MAX_ENTRIES || characters > MAX_CHARACTERS)
      throw new RangeError(
        `a macro or join() goes through at most ${MAX_ENTRIES} entries and ${MAX_CHARACTERS} characters`,
      );
  }
}

function valueAt(path: Reference, values: ExpressionValues): unknown {
  let value: unknown = values;
  for (const segment of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, segment)) return undefined;
    value = (value as Readonly<Record<string, unknown>>)[segment];
  }
  return value;
}
