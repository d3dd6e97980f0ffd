import { ConfigurationError } from '@lazarus/core';
import type { Json } from '@lazarus/core/ports';
import type { TypeScope } from './cel-environment.ts';
import { parseExpression } from './expression.ts';
import type { Expression, ExpressionValues } from './expression.ts';
import { findExpressions } from './scanner.ts';
import type { ValueType } from './value-type.ts';

/** A text with expressions in it. A text that is one expression as a whole keeps the type of its value. */
export interface Template {
  readonly text: string;
  readonly expressions: readonly Expression[];
  /** One expression and nothing beside it. */
  readonly isWhole: boolean;
  /** Type of the result, once its expressions were checked against the scope; messages when they do not fit. */
  check(scope: TypeScope): { readonly type: ValueType; readonly messages: readonly string[] };
  /** @throws WorkflowError `LZ_EXPRESSION_INVALID`. */
  evaluate(values: ExpressionValues): Json;
}

const cache = new Map<string, Template>();
const MAX_CACHED = 5_000;
/** Most expressions in one text. */
const MAX_EXPRESSIONS = 50;
/** Longest text that is shown in a message. */
const MAX_SHOWN = 200;

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
  if (!scanned.ok) throw refusal(text, scanned.message);
  if (scanned.spans.length > MAX_EXPRESSIONS)
    throw refusal(text, `found ${scanned.spans.length} expressions, expected at most ${MAX_EXPRESSIONS}`);
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

function refusal(text: string, message: string): ConfigurationError {
  const shown = text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN - 3)}...` : text;
  return new ConfigurationError({
    code: 'LZ_EXPRESSION_INVALID',
    summary: `the text ${JSON.stringify(shown)} was refused: ${message}`,
    issues: [],
  });
}

function fromParts(text: string, parts: readonly (string | Expression)[]): Template {
  const expressions = parts.filter((part) => typeof part !== 'string');
  const whole = parts.length === 1 ? expressions[0] : undefined;
  return {
    text,
    expressions,
    isWhole: whole !== undefined,
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

/** Every text with an expression in it, of a JSON value. */
export function textsIn(value: Json): readonly string[] {
  if (typeof value === 'string') return value.includes('${{') ? [value] : [];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(textsIn);
}
