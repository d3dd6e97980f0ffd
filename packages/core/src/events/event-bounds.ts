import type { DocumentPath } from '../documents/document-path.ts';
import { MAX_EVENT_BYTES } from './event.ts';

/** Most levels of nested objects and lists in an event, the event itself included. */
export const MAX_EVENT_DEPTH = 16;
/** Most values in an event. */
export const MAX_EVENT_VALUES = 10_000;

/** A part of a payload that no event may have. */
export interface BoundsProblem {
  readonly path: DocumentPath;
  readonly message: string;
}

interface Allowance {
  characters: number;
  values: number;
}

/**
 * Checks that a payload is plain JSON data within bounds, before any schema walks it: depth, number of values, size (as
 * characters), and no `__proto__` key, which assignments elsewhere would follow into the prototype.
 */
export function findBoundsProblem(payload: unknown): BoundsProblem | undefined {
  return visit(payload, 1, { characters: MAX_EVENT_BYTES, values: MAX_EVENT_VALUES });
}

function visit(value: unknown, depth: number, left: Allowance): BoundsProblem | undefined {
  left.values -= 1;
  if (left.values < 0) return { path: [], message: `more than ${MAX_EVENT_VALUES} values` };
  if (typeof value === 'string') return spend(value.length, left);
  if (typeof value !== 'object' || value === null) return spend(4, left);
  if (depth > MAX_EVENT_DEPTH) return { path: [], message: `nested deeper than ${MAX_EVENT_DEPTH} levels` };
  return Array.isArray(value)
    ? visitList(value, depth, left)
    : visitObject(value as Record<string, unknown>, depth, left);
}

function visitList(list: readonly unknown[], depth: number, left: Allowance): BoundsProblem | undefined {
  for (let index = 0; index < list.length; index += 1) {
    const problem = visit(list[index], depth + 1, left);
    if (problem !== undefined) return { path: [index, ...problem.path], message: problem.message };
  }
  return undefined;
}

function visitObject(
  object: Readonly<Record<string, unknown>>,
  depth: number,
  left: Allowance,
): BoundsProblem | undefined {
  for (const key in object) {
    if (!Object.hasOwn(object, key)) return { path: [], message: 'is not a plain object' };
    if (key === '__proto__') return { path: [], message: 'found the key __proto__, which is not allowed' };
    const problem = spend(key.length, left) ?? visit(object[key], depth + 1, left);
    if (problem !== undefined) return { path: [key, ...problem.path], message: problem.message };
  }
  return undefined;
}

function spend(characters: number, left: Allowance): BoundsProblem | undefined {
  left.characters -= characters;
  return left.characters < 0 ? { path: [], message: `larger than ${MAX_EVENT_BYTES} bytes` } : undefined;
}
