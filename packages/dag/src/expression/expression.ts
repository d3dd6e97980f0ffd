/**
 * `${{ … }}` expressions: CEL, type-checked at load, without any way to run code.
 *
 * 1. The source is divided at `??` (outside of quotes and brackets): the first part that has a value wins.
 * 2. Each part is parsed once and checked against the declared variables; `matches()` is refused, because a regular
 *    expression over event data could take exponential time.
 * 3. Numbers are CEL doubles; comparing or combining one with a whole-number literal is allowed.
 */
import { ConfigurationError, WorkflowError } from '@lazarus/core';
import type { Json } from '@lazarus/core/ports';
import type { ASTNode, ParseResult } from '@marcbachmann/cel-js';
import { Environment, EvaluationError } from '@marcbachmann/cel-js';
import { splitAlternatives } from './scanner.ts';
import type { TypeShape, ValueType } from './value-type.ts';

/** Variables that an expression may use, with their types. */
export type ExpressionScope = Readonly<Record<string, TypeShape>>;

/** Values of the variables. */
export type ExpressionValues = Readonly<Record<string, unknown>>;

/** A part of a variable that an expression reads: `['steps', 'clone', 'outputs', 'new_host']`. */
export type Reference = readonly string[];

/** A parsed expression. */
export interface Expression {
  readonly source: string;
  /** Every path that it reads, longest form; a path ends where an index is computed. */
  readonly references: readonly Reference[];
  /** True when it names a fallback with `??`, so that a missing value is expected. */
  readonly hasFallback: boolean;
  /** Checks types against a scope; returns the type, or what is wrong. */
  check(
    scope: ExpressionScope,
  ): { readonly ok: true; readonly type: ValueType } | { readonly ok: false; readonly message: string };
  /** @throws WorkflowError `LZ_EXPRESSION_INVALID` when a value is missing or types do not fit. */
  evaluate(values: ExpressionValues): Json;
}

const MAX_SOURCE = 1_000;
const LIMITS = {
  maxAstNodes: 500,
  maxDepth: 24,
  maxListElements: 100,
  maxMapEntries: 100,
  maxCallArguments: 16,
};

const evaluation = withNumbers(
  new Environment({ unlistedVariablesAreDyn: true, limits: LIMITS, homogeneousAggregateLiterals: false }),
);

/** Lets numbers of the document (CEL doubles) meet whole-number literals (CEL ints). */
function withNumbers(environment: Environment): Environment {
  const combine: Readonly<Record<string, (left: number, right: number) => number>> = {
    '+': (left, right) => left + right,
    '-': (left, right) => left - right,
    '*': (left, right) => left * right,
    '/': (left, right) => left / right,
  };
  for (const [left, right] of [
    ['double', 'int'],
    ['int', 'double'],
  ] as const) {
    for (const [operator, run] of Object.entries(combine)) {
      environment.registerOperator(`${left} ${operator} ${right}: double`, (a: unknown, b: unknown) =>
        run(Number(a), Number(b)),
      );
    }
  }
  environment.registerOperator('double == int: bool', (a: unknown, b: unknown) => Number(a) === Number(b));
  return environment;
}

/**
 * Parses one expression (without its `${{ }}`).
 *
 * @throws ConfigurationError `LZ_EXPRESSION_INVALID`.
 */
export function parseExpression(source: string): Expression {
  if (source.length > MAX_SOURCE) throw refusal(source, `longer than ${MAX_SOURCE} characters`);
  const parts = splitAlternatives(source).map((part) => parsePart(source, part));
  const references = parts.flatMap((part) => referencesOf(part.ast));
  return {
    source,
    references,
    hasFallback: parts.length > 1,
    check: (scope) => checkParts(source, scope),
    evaluate: (values) => evaluateParts(source, parts, values),
  };
}

function refusal(source: string, message: string): ConfigurationError {
  return new ConfigurationError({
    code: 'LZ_EXPRESSION_INVALID',
    summary: `the expression ${JSON.stringify(source)} was refused: ${message}`,
    issues: [],
  });
}

function parsePart(source: string, part: string): ParseResult {
  let parsed: ParseResult;
  try {
    parsed = evaluation.parse(part);
  } catch (error) {
    throw refusal(source, summaryOf(error));
  }
  for (const node of walk(parsed.ast)) {
    if ((node.op === 'call' || node.op === 'rcall') && node.args[0] === 'matches') {
      throw refusal(source, 'matches() is not available; compare with ==, startsWith() or contains()');
    }
  }
  return parsed;
}

function summaryOf(error: unknown): string {
  if (typeof error === 'object' && error !== null && 'summary' in error) return String(error.summary);
  return error instanceof Error ? error.message : String(error);
}

function* walk(node: ASTNode): Generator<ASTNode> {
  yield node;
  for (const child of nodesIn(node.args)) yield* walk(child);
}

function* nodesIn(args: unknown): Generator<ASTNode> {
  if (Array.isArray(args)) for (const item of args) yield* nodesIn(item);
  else if (typeof args === 'object' && args !== null && 'op' in args) yield args as ASTNode;
}

function referencesOf(node: ASTNode): readonly Reference[] {
  const path = pathOf(node);
  if (path !== undefined) return [path];
  return [...nodesIn(node.args)].flatMap(referencesOf);
}

/** The path that a chain of selections reads; a computed index ends it, and what the index reads is lost on purpose. */
function pathOf(node: ASTNode): Reference | undefined {
  if (node.op === 'id') return [node.args];
  if (node.op === '.') {
    const base = pathOf(node.args[0]);
    return base === undefined ? undefined : [...base, node.args[1]];
  }
  if (node.op !== '[]') return undefined;
  const [object, index] = node.args;
  const base = pathOf(object);
  if (base === undefined || index.op !== 'value' || typeof index.args !== 'string') return undefined;
  return [...base, index.args];
}

function checkParts(source: string, scope: ExpressionScope): ReturnType<Expression['check']> {
  const environment = withNumbers(new Environment({ limits: LIMITS, homogeneousAggregateLiterals: false }));
  for (const [name, shape] of Object.entries(scope)) {
    if (typeof shape === 'string') environment.registerVariable(name, shape);
    else environment.registerVariable({ name, schema: shape });
  }
  const types: ValueType[] = [];
  for (const part of splitAlternatives(source)) {
    const result = environment.parse(part).check();
    if (!result.valid) return { ok: false, message: summaryOf(result.error) };
    types.push(celType(result.type));
  }
  const known = types.filter((type) => type !== 'null');
  const first = known[0] ?? 'null';
  return {
    ok: true,
    type: known.length === types.length && known.every((type) => type === first) ? first : 'dyn',
  };
}

function celType(type: string | undefined): ValueType {
  if (type === undefined) return 'dyn';
  if (type === 'int' || type === 'uint') return 'double';
  if (type.startsWith('list')) return 'list';
  if (type.startsWith('map') || type.startsWith('$')) return 'map';
  return type === 'string' || type === 'double' || type === 'bool' || type === 'null' ? type : 'dyn';
}

function evaluateParts(source: string, parts: readonly ParseResult[], values: ExpressionValues): Json {
  for (const [index, part] of parts.entries()) {
    const isLast = index === parts.length - 1;
    try {
      const value = toJson(part(values));
      if (value !== null || isLast) return value;
    } catch (error) {
      const isMissing = error instanceof EvaluationError && error.code === 'no_such_key';
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

/** JSON value of a CEL value: whole numbers come back as numbers, maps as objects. */
function toJson(value: unknown): Json {
  if (typeof value === 'bigint') return Number(value);
  if (value === undefined) return null;
  if (Array.isArray(value)) return value.map(toJson);
  if (value instanceof Map)
    return Object.fromEntries([...value].map(([key, inner]) => [String(key), toJson(inner)]));
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, toJson(inner)]));
  }
  return value as Json;
}
