import type { DocumentPath } from '../documents/document-path.ts';
import { suggest } from '../documents/suggest.ts';
import { EventSchema } from '../events/event.ts';
import { MATCHER_NAMES } from '../patterns/parse-value-test.ts';
import type { Refusal } from '../patterns/parse-value-test.ts';
import { parsePattern } from '../patterns/parse-pattern.ts';
import type { Conjunction } from '../patterns/parse-pattern.ts';

/** Criteria, parsed: the branches of which one must match, or why the criteria were refused. */
export type CriteriaParse =
  | { readonly ok: true; readonly branches: readonly Conjunction[] }
  | { readonly ok: false; readonly refusals: readonly Refusal[] };

const ENVELOPE: ReadonlySet<string> = new Set(Object.keys(EventSchema.shape));

const isMapping = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * Parses criteria. A key names a field of the envelope or else an attribute; a value is one value, a set (`a|b|c` or a
 * list), or any matcher; `$or` holds alternatives. `pattern` holds a whole event pattern that must match as well.
 */
export function parseCriteria(criteria: Readonly<Record<string, unknown>>): CriteriaParse {
  const { pattern, where, ...fields } = criteria;
  const parts: CriteriaParse[] = [];
  if (Object.keys(fields).length > 0) parts.push(parseFields(fields));
  if (pattern !== undefined) parts.push(within('pattern', parsePattern(pattern)));
  const refusals = parts.flatMap((part) => (part.ok ? [] : part.refusals));
  // An expression alone is enough: every event is asked.
  if (parts.length === 0 && where !== undefined) return { ok: true, branches: [[]] };
  if (parts.length === 0) refusals.push({ path: [], message: 'found no criteria, expected at least one' });
  if (refusals.length > 0) return { ok: false, refusals };
  const [first = [], second] = parts.map((part) => (part.ok ? part.branches : []));
  if (second === undefined) return { ok: true, branches: first };
  // Both have to hold; a field that both name has two conditions.
  return { ok: true, branches: first.flatMap((left) => second.map((right) => [...left, ...right])) };
}

function within(key: string, parsed: CriteriaParse): CriteriaParse {
  if (parsed.ok) return parsed;
  return {
    ok: false,
    refusals: parsed.refusals.map((refusal) => ({ ...refusal, path: [key, ...refusal.path] })),
  };
}

function parseFields(fields: Readonly<Record<string, unknown>>): CriteriaParse {
  const origins = new Map<string, DocumentPath>();
  const parsed = parsePattern(toPattern(fields, [], [], origins));
  if (parsed.ok) return parsed;
  return {
    ok: false,
    refusals: parsed.refusals.map((refusal) => ({ ...refusal, path: originOf(refusal.path, origins) })),
  };
}

/** Where in the criteria a path of the pattern came from: the longest known beginning decides. */
function originOf(
  path: readonly (string | number)[],
  origins: ReadonlyMap<string, DocumentPath>,
): (string | number)[] {
  for (let length = path.length; length > 0; length -= 1) {
    const origin = origins.get(JSON.stringify(path.slice(0, length)));
    if (origin !== undefined) return [...origin, ...path.slice(length)] as (string | number)[];
  }
  return [...path];
}

function toPattern(
  fields: Readonly<Record<string, unknown>>,
  from: DocumentPath,
  to: DocumentPath,
  origins: Map<string, DocumentPath>,
): Record<string, unknown> {
  const pattern: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(fields)) {
    const field = fieldOf(key);
    const origin = [...from, key];
    const target = [...to, field];
    if (key === '$or' && Array.isArray(value)) {
      pattern[key] = value.map((entry: unknown, index) =>
        isMapping(entry) ? toPattern(entry, [...origin, index], [...target, index], origins) : entry,
      );
    } else {
      pattern[field] = toMatchers(value, field);
    }
    origins.set(JSON.stringify(target), origin);
    // A value that stands alone becomes a list of one: its refusal belongs to the value itself.
    if (!Array.isArray(value)) origins.set(JSON.stringify([...target, 0]), origin);
  }
  return pattern;
}

/** Path of the event's field that a key of the criteria names. */
function fieldOf(key: string): string {
  if (key === '$or' || ENVELOPE.has(key) || key.startsWith('attributes.')) return key;
  return `attributes.${key}`;
}

/** One value, a set or a matcher, as a list of matchers. A mapping that is no matcher names fields below an attribute. */
function toMatchers(value: unknown, field: string): unknown {
  if (typeof value === 'string')
    return value.includes('|') ? value.split('|').map((part) => part.trim()) : [value];
  if (Array.isArray(value)) return value;
  if (!isMapping(value) || isMatcher(value, field)) return [value];
  const inner = Object.entries(value).map(([key, below]) => [
    key,
    key === '$or' ? below : toMatchers(below, `${field}.${key}`),
  ]);
  return Object.fromEntries(inner);
}

/** True for a mapping that is meant as a matcher: by its name, by a name that is nearly one, or because nothing else can be. */
function isMatcher(mapping: Readonly<Record<string, unknown>>, field: string): boolean {
  if (!field.startsWith('attributes')) return true;
  const [only, ...others] = Object.keys(mapping);
  return only !== undefined && others.length === 0 && suggest(only, MATCHER_NAMES) !== undefined;
}
