import type { z } from 'zod';
import type { EventType } from './event-type.ts';

/** What is known about one attribute of a type. */
interface AttributeCheck {
  readonly name: string;
  readonly kind: 'string' | 'number' | 'boolean' | 'enum' | 'other';
  /** Values of an enumeration. */
  readonly values: readonly unknown[];
  readonly isOptional: boolean;
}

/** `undefined`: only the schema can tell. */
type Checks = readonly AttributeCheck[] | undefined;

interface SimpleDefinition {
  readonly type: string;
  readonly innerType?: z.core.$ZodType;
  readonly entries?: Readonly<Record<string, string>>;
  readonly catchall?: z.core.$ZodType;
  readonly checks?: readonly unknown[];
  readonly format?: string;
}

interface KnownType {
  readonly type: EventType;
  readonly checks: Checks;
}

const known = new WeakMap<EventType, KnownType>();

/** The types that were asked for lately: to look through a few is faster than to hash one. */
const recent: KnownType[] = [];
const MAX_RECENT = 8;

/**
 * True when the attributes surely fit the type and its schema would leave them as they are; false means that the schema
 * has to be asked. Plain strings, numbers, booleans and enumerations are checked without it.
 */
export function surelyFits(type: EventType, attributes: Readonly<Record<string, unknown>>): boolean {
  const checks = checksOf(type);
  if (checks === undefined) return false;
  for (const check of checks) if (!fits(check, attributes[check.name])) return false;
  return true;
}

function fits({ kind, values, isOptional }: AttributeCheck, value: unknown): boolean {
  if (value === undefined) return isOptional;
  switch (kind) {
    case 'string':
      return typeof value === 'string';
    case 'number':
      return typeof value === 'number' && Number.isFinite(value);
    case 'boolean':
      return typeof value === 'boolean';
    case 'enum':
      return values.includes(value);
    case 'other':
      return false;
  }
}

function checksOf(type: EventType): Checks {
  for (const each of recent) if (each.type === type) return each.checks;
  let found = known.get(type);
  if (found === undefined) known.set(type, (found = { type, checks: compile(type.attributes) }));
  if (recent.length < MAX_RECENT) recent.push(found);
  return found.checks;
}

function compile(schema: z.ZodObject): Checks {
  const { catchall, checks: refinements = [] } = definitionOf(schema);
  const isLoose = catchall !== undefined && definitionOf(catchall).type === 'unknown';
  if (!isLoose || refinements.length > 0) return undefined;
  const shape: Readonly<Record<string, z.core.$ZodType>> = schema.shape;
  return Object.entries(shape).map(([name, field]) => compileAttribute(name, field));
}

function compileAttribute(name: string, schema: z.core.$ZodType): AttributeCheck {
  const definition = definitionOf(schema);
  if (definition.type === 'optional' && definition.innerType !== undefined)
    return { ...compileAttribute(name, definition.innerType), isOptional: true };
  const { type, entries, checks = [], format } = definition;
  const isPlain = checks.length === 0 && format === undefined;
  const values: readonly unknown[] = Object.values(entries ?? {});
  if (isPlain && (type === 'string' || type === 'number' || type === 'boolean' || type === 'enum'))
    return { name, kind: type, values, isOptional: false };
  return { name, kind: 'other', values, isOptional: false };
}

function definitionOf(schema: z.core.$ZodType): SimpleDefinition {
  return schema._zod.def;
}
