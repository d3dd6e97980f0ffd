import type { z } from 'zod';
import type { EventType } from './event-type.ts';

type ValueCheck = (value: unknown) => boolean;
type AttributeCheck = (attributes: Readonly<Record<string, unknown>>) => boolean;

interface SimpleDefinition {
  readonly type: string;
  readonly innerType?: z.core.$ZodType;
  readonly entries?: Readonly<Record<string, string>>;
  readonly catchall?: z.core.$ZodType;
  readonly checks?: readonly unknown[];
  readonly format?: string;
}

const checks = new WeakMap<EventType, AttributeCheck>();

/**
 * True when the attributes surely fit the type and its schema would leave them as they are; false means that the schema
 * has to be asked. Plain strings, numbers, booleans and enumerations are checked without it.
 */
export function surelyFits(type: EventType, attributes: Readonly<Record<string, unknown>>): boolean {
  let check = checks.get(type);
  if (check === undefined) {
    check = compile(type.attributes);
    checks.set(type, check);
  }
  return check(attributes);
}

function compile(schema: z.ZodObject): AttributeCheck {
  const { catchall, checks: refinements = [] } = definitionOf(schema);
  const isLoose = catchall !== undefined && definitionOf(catchall).type === 'unknown';
  if (!isLoose || refinements.length > 0) return () => false;
  const shape: Readonly<Record<string, z.core.$ZodType>> = schema.shape;
  const keys = Object.keys(shape);
  const tests = Object.values(shape).map(compileValue);
  return (attributes) => {
    for (let at = 0; at < keys.length; at += 1)
      if (tests[at]?.(attributes[keys[at] ?? '']) !== true) return false;
    return true;
  };
}

function compileValue(schema: z.core.$ZodType): ValueCheck {
  const definition = definitionOf(schema);
  if (definition.type === 'optional' && definition.innerType !== undefined) {
    const inner = compileValue(definition.innerType);
    return (value) => value === undefined || inner(value);
  }
  const isPlain = (definition.checks ?? []).length === 0 && definition.format === undefined;
  if (isPlain && (definition.type === 'string' || definition.type === 'boolean'))
    return (value) => typeof value === definition.type;
  if (isPlain && definition.type === 'number')
    return (value) => typeof value === 'number' && Number.isFinite(value);
  if (isPlain && definition.type === 'enum' && definition.entries !== undefined) {
    const values: readonly unknown[] = Object.values(definition.entries);
    return (value) => values.includes(value);
  }
  return () => false;
}

function definitionOf(schema: z.core.$ZodType): SimpleDefinition {
  return schema._zod.def;
}
