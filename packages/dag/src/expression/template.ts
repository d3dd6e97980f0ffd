import { ConfigurationError } from '@lazarus/core';
import type { Json } from '@lazarus/core/ports';
import { parseExpression } from './expression.ts';
import type { Expression, ExpressionScope, ExpressionValues } from './expression.ts';
import { findExpressions } from './scanner.ts';
import type { ValueType } from './value-type.ts';

/** A text with expressions in it. A text that is one expression as a whole keeps the type of its value. */
export interface Template {
  readonly text: string;
  readonly expressions: readonly Expression[];
  /** Type of the result, once its expressions were checked against the scope; messages when they do not fit. */
  check(scope: ExpressionScope): { readonly type: ValueType; readonly messages: readonly string[] };
  /** @throws WorkflowError `LZ_EXPRESSION_INVALID`. */
  evaluate(values: ExpressionValues): Json;
}

const cache = new Map<string, Template>();
const MAX_CACHED = 5_000;

/**
 * Parses a text; results are kept, because the same few hundred texts are evaluated by every run.
 *
 * @throws ConfigurationError `LZ_EXPRESSION_INVALID`.
 */
export function parseTemplate(text: string): Template {
  const known = cache.get(text);
  if (known !== undefined) return known;
  const template = createTemplate(text);
  if (cache.size >= MAX_CACHED) cache.clear();
  cache.set(text, template);
  return template;
}

function createTemplate(text: string): Template {
  const scanned = findExpressions(text);
  if (!scanned.ok) {
    throw new ConfigurationError({
      code: 'LZ_EXPRESSION_INVALID',
      summary: `the text ${JSON.stringify(text)} was refused: ${scanned.message}`,
      issues: [],
    });
  }
  const parts: (string | Expression)[] = [];
  let from = 0;
  for (const span of scanned.spans) {
    if (span.start > from) parts.push(text.slice(from, span.start));
    parts.push(parseExpression(span.source));
    from = span.end;
  }
  if (from < text.length || parts.length === 0) parts.push(text.slice(from));
  return fromParts(text, parts);
}

function fromParts(text: string, parts: readonly (string | Expression)[]): Template {
  const expressions = parts.filter((part) => typeof part !== 'string');
  const whole = parts.length === 1 ? expressions[0] : undefined;
  return {
    text,
    expressions,
    check: (scope) => {
      const checks = expressions.map((expression) => expression.check(scope));
      const messages = checks.flatMap((check) => (check.ok ? [] : [check.message]));
      const first = checks[0];
      return { messages, type: whole === undefined ? 'string' : first?.ok === true ? first.type : 'dyn' };
    },
    evaluate: (values) =>
      whole === undefined
        ? parts.map((part) => (typeof part === 'string' ? part : toText(part.evaluate(values)))).join('')
        : whole.evaluate(values),
  };
}

function toText(value: Json): string {
  if (typeof value === 'string') return value;
  return value === null || typeof value !== 'object' ? String(value) : JSON.stringify(value);
}

/** Evaluates every text inside a JSON value. @throws WorkflowError `LZ_EXPRESSION_INVALID`. */
export function evaluateDeep(value: Json, values: ExpressionValues): Json {
  if (typeof value === 'string') return value.includes('${{') ? parseTemplate(value).evaluate(values) : value;
  if (Array.isArray(value)) return (value as readonly Json[]).map((item) => evaluateDeep(item, values));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, evaluateDeep(inner, values)]));
}
