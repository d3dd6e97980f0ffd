import { Environment } from '@marcbachmann/cel-js';
import type { z } from 'zod';
import { describeError } from '../errors/lazarus-error.ts';
import type { LazarusEvent } from '../events/event.ts';
import type { EventType } from '../events/event-type.ts';
import { findUnsafeMatch } from './unsafe-match.ts';

/** A compiled `where` expression. */
export interface WhereExpression {
  readonly source: string;
  /** `error` says why the expression has no answer for this event; the rule then does not match. */
  test(event: LazarusEvent): { readonly holds: boolean; readonly error?: string };
}

/** A compiled expression, or why it was refused. */
export type WhereParse =
  { readonly ok: true; readonly where: WhereExpression } | { readonly ok: false; readonly message: string };

/** Longest text that an expression with `matches()` looks at, characters. */
const MAX_MATCHED_TEXT = 1_024;

const ENVELOPE_VARIABLES = [
  'id',
  'event_type',
  'source',
  'time',
  'region',
  'environment',
  'account',
  'service',
  'host',
  'incident_key',
  'summary',
] as const;

/**
 * Compiles a CEL expression over the fields of the event (`service`, `host`, …) and its `attributes`. It is type-checked:
 * unknown names and comparisons that cannot hold are refused here and not found out in an incident. With one event type the
 * attributes have the types of its schema, otherwise they are dynamic.
 *
 * A number of an event is a CEL double: `attributes.failures >= 3` works, `attributes.failures + 1 > 3` does not.
 */
export function compileWhere(source: string, eventType: EventType | undefined): WhereParse {
  try {
    const environment = environmentFor(eventType);
    const expression = environment.parse(source);
    const checked = expression.check();
    if (!checked.valid) return refuse(checked.error?.message ?? 'its types do not fit');
    if (checked.type !== 'bool' && checked.type !== 'dyn')
      return refuse(`it gives ${checked.type ?? 'nothing'}, expected true or false`);
    const unsafe = findUnsafeMatch(expression.ast);
    if (unsafe.refused !== undefined) return refuse(unsafe.refused);
    return { ok: true, where: { source, test: (event) => evaluate(expression, event, unsafe.usesMatches) } };
  } catch (error) {
    return refuse(describeError(error));
  }
}

function refuse(message: string): WhereParse {
  return { ok: false, message: `the expression was refused: ${firstLine(message)}` };
}

const firstLine = (text: string): string => text.split('\n', 1)[0] ?? text;

function evaluate(
  expression: (context: Record<string, unknown>) => unknown,
  event: LazarusEvent,
  usesMatches: boolean,
): { readonly holds: boolean; readonly error?: string } {
  if (usesMatches && hasLongText(event.attributes)) {
    return {
      holds: false,
      error: `an attribute is longer than the ${MAX_MATCHED_TEXT} characters that matches() may see`,
    };
  }
  try {
    const context: Record<string, unknown> = { attributes: event.attributes };
    for (const name of ENVELOPE_VARIABLES) context[name] = event[name] ?? '';
    const result: unknown = expression(context);
    return typeof result === 'boolean'
      ? { holds: result }
      : { holds: false, error: 'the expression gave neither true nor false' };
  } catch (error) {
    return { holds: false, error: firstLine(describeError(error)) };
  }
}

function hasLongText(value: unknown): boolean {
  if (typeof value === 'string') return value.length > MAX_MATCHED_TEXT;
  return typeof value === 'object' && value !== null && Object.values(value).some(hasLongText);
}

function environmentFor(eventType: EventType | undefined): Environment {
  let environment = new Environment({
    limits: { maxAstNodes: 500, maxDepth: 32, maxListElements: 100, maxMapEntries: 100 },
  });
  for (const name of ENVELOPE_VARIABLES) environment = environment.registerVariable(name, 'string');
  if (eventType === undefined) return environment.registerVariable('attributes', 'map');
  const shape: Readonly<Record<string, z.core.$ZodType>> = eventType.attributes.shape;
  const schema = Object.fromEntries(Object.entries(shape).map(([key, field]) => [key, celType(field)]));
  return environment.registerVariable({ name: 'attributes', schema });
}

/** CEL type of an attribute. */
function celType(schema: z.core.$ZodType): string {
  const definition = schema._zod.def as { readonly type: string; readonly innerType?: z.core.$ZodType };
  switch (definition.type) {
    case 'optional':
    case 'default':
    case 'nullable':
      return definition.innerType === undefined ? 'dyn' : celType(definition.innerType);
    case 'string':
    case 'enum':
      return 'string';
    case 'number':
      return 'double';
    case 'boolean':
      return 'bool';
    default:
      return 'dyn';
  }
}
