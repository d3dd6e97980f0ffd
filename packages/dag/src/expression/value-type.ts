import type { Json } from '@lazarus/core/ports';
import { z } from 'zod';

/** Type of a value as CEL names it; `dyn` is a type that is only known at run time. */
export type ValueType = 'string' | 'double' | 'bool' | 'list' | 'map' | 'null' | 'dyn';

/** Type of a variable: a plain type, or the fields of an object. */
export type TypeShape = ValueType | { readonly [field: string]: TypeShape };

/** The part of a JSON Schema that types come from. */
export interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | JsonSchema;
  readonly items?: JsonSchema;
  readonly description?: string;
  readonly default?: unknown;
}

const schemas = { input: new WeakMap<z.ZodType, JsonSchema>(), output: new WeakMap<z.ZodType, JsonSchema>() };

/** JSON Schema of a zod schema: what it accepts (`input`) or what it makes (`output`); kept, because making one is dear. */
export function jsonSchemaOf(schema: z.ZodType, io: 'input' | 'output'): JsonSchema {
  const known = schemas[io].get(schema);
  if (known !== undefined) return known;
  const made = z.toJSONSchema(schema, { io, unrepresentable: 'any' }) as JsonSchema;
  schemas[io].set(schema, made);
  return made;
}

const SIMPLE: Readonly<Record<string, ValueType>> = {
  string: 'string',
  number: 'double',
  integer: 'double',
  boolean: 'bool',
  array: 'list',
  null: 'null',
};

/** Type of the values that a JSON Schema describes; optional fields and unions are only known at run time. */
export function shapeOf(schema: JsonSchema): TypeShape {
  if (typeof schema.type !== 'string') return 'dyn';
  if (schema.type !== 'object') return SIMPLE[schema.type] ?? 'dyn';
  if (schema.properties === undefined || schema.additionalProperties !== false) return 'map';
  const required = new Set(schema.required);
  const fields = Object.entries(schema.properties).map(([field, inner]): [string, TypeShape] => [
    field,
    required.has(field) ? shapeOf(inner) : 'dyn',
  ]);
  return fields.length === 0 ? 'map' : Object.fromEntries(fields);
}

/** Plain type of a shape. */
export function plainType(shape: TypeShape): ValueType {
  return typeof shape === 'string' ? shape : 'map';
}

const NAMES: Readonly<Record<ValueType, string>> = {
  string: 'a string',
  double: 'a number',
  bool: 'true or false',
  list: 'a list',
  map: 'a mapping',
  null: 'null',
  dyn: 'any value',
};

/** Plain type of a JSON value. */
export function typeOfValue(value: Json): ValueType {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'list';
  switch (typeof value) {
    case 'string':
      return 'string';
    case 'number':
      return 'double';
    case 'boolean':
      return 'bool';
    default:
      return 'map';
  }
}

/** Name of a type for messages. */
export function typeName(type: ValueType): string {
  return NAMES[type];
}

/** Whether a value of type `found` can be given where `wanted` is asked for; what is unknown is checked at run time. */
export function fits(found: ValueType, wanted: ValueType): boolean {
  return found === wanted || found === 'dyn' || wanted === 'dyn';
}
