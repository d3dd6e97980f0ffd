import type { DocumentPath } from '../documents/document-path.ts';

/** Key of a reference: `{ $param: min_active_hosts }` stands for the parameter's value. */
const PARAMETER_KEY = '$param';

/** A place of a template that takes the value of a parameter. */
export interface ParameterReference {
  readonly name: string;
  readonly path: DocumentPath;
}

/** The parameter that a value refers to, or `undefined` when it is no reference. */
export function referenceOf(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const keys = Object.keys(value);
  const name: unknown = (value as Record<string, unknown>)[PARAMETER_KEY];
  return keys.length === 1 && typeof name === 'string' ? name : undefined;
}

/** Every reference inside a template, with its place. */
export function referencesIn(template: unknown, path: DocumentPath = []): readonly ParameterReference[] {
  const name = referenceOf(template);
  if (name !== undefined) return [{ name, path }];
  if (Array.isArray(template))
    return template.flatMap((entry: unknown, index) => referencesIn(entry, [...path, index]));
  if (typeof template !== 'object' || template === null) return [];
  return Object.entries(template).flatMap(([key, value]) => referencesIn(value, [...path, key]));
}

/** The template with values in place of references. A key whose parameter has no value is left out. */
export function fillTemplate(template: unknown, values: ReadonlyMap<string, unknown>): unknown {
  const name = referenceOf(template);
  if (name !== undefined) return values.get(name);
  if (Array.isArray(template))
    return template.map((entry) => fillTemplate(entry, values)).filter((entry) => entry !== undefined);
  if (typeof template !== 'object' || template === null) return template;
  const entries = Object.entries(template).map(([key, value]) => [key, fillTemplate(value, values)] as const);
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}
