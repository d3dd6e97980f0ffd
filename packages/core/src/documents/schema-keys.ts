import type { z } from 'zod';

/** The part of a zod schema's definition that leads to the keys of its objects. */
interface SchemaDefinition {
  readonly type: string;
  readonly shape?: Readonly<Record<string, z.core.$ZodType>>;
  readonly innerType?: z.core.$ZodType;
  readonly element?: z.core.$ZodType;
  readonly valueType?: z.core.$ZodType;
  readonly items?: readonly z.core.$ZodType[];
  readonly options?: readonly z.core.$ZodType[];
  readonly left?: z.core.$ZodType;
  readonly right?: z.core.$ZodType;
  readonly in?: z.core.$ZodType;
  readonly getter?: () => z.core.$ZodType;
}

const definitionOf = (schema: z.core.$ZodType): SchemaDefinition => schema._zod.def;

/** The schemas behind wrappers, unions and pipes: those that look at the input itself. */
function* alternatives(schema: z.core.$ZodType): Generator<SchemaDefinition> {
  const definition = definitionOf(schema);
  const inner = [
    definition.innerType,
    definition.left,
    definition.right,
    definition.in,
    definition.getter?.(),
  ];
  for (const candidate of [...(definition.options ?? []), ...inner]) {
    if (candidate !== undefined) yield* alternatives(candidate);
  }
  yield definition;
}

function* children(schema: z.core.$ZodType, segment: PropertyKey): Generator<z.core.$ZodType> {
  for (const definition of alternatives(schema)) {
    const child =
      typeof segment === 'number'
        ? (definition.element ?? definition.items?.[segment])
        : (definition.shape?.[String(segment)] ?? definition.valueType);
    if (child !== undefined) yield child;
  }
}

/** Every key that the schema knows for the object at this path, over all its alternatives. */
export function knownKeys(schema: z.core.$ZodType, path: readonly PropertyKey[]): readonly string[] {
  let level: z.core.$ZodType[] = [schema];
  for (const segment of path) level = level.flatMap((candidate) => [...children(candidate, segment)]);
  const keys = level.flatMap((candidate) =>
    [...alternatives(candidate)].flatMap((definition) => Object.keys(definition.shape ?? {})),
  );
  return [...new Set(keys)];
}
