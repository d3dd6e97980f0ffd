import { readKey, siteOf } from './field-key.ts';
import type { Fields } from './field-key.ts';
import type { Scalar } from './value-test.ts';

/** Stands for a field with a list on its way, or with more than one value. */
const MANY = Symbol('many');

/** True for the mark of many values. Its kind is asked for, which costs less than a comparison with it. */
export function isMany(value: Read): value is typeof MANY {
  return typeof value === 'symbol';
}

/** What a field is read as; `undefined` when the event has no such field. */
export type Read = Scalar | undefined | typeof MANY;

/** A path, prepared: with one or two keys it is read without a loop. */
export interface FieldPath {
  /** Number of keys, 1 or 2; 0 stands for three keys or more, and for keys that every object inherits. */
  readonly keys: 0 | 1 | 2;
  readonly first: string;
  readonly firstSite: number;
  readonly second: string;
  readonly secondSite: number;
  /** All keys joined with dots, which is a key of its own. */
  readonly joined: string;
  readonly joinedSite: number;
  /** Every way to spell the path; empty for one key or two. */
  readonly spellings: readonly (readonly string[])[];
}

/** Prepares a path (keys joined with dots). */
export function toFieldPath(path: string): FieldPath {
  const keys = path.split('.');
  const [first = '', second = ''] = keys;
  const isInherited = [path, ...keys].some((key) => key in Object.prototype);
  const count = isInherited || keys.length > 2 ? 0 : keys.length === 2 ? 2 : 1;
  return {
    keys: count,
    first,
    firstSite: count === 0 ? 0 : siteOf(first),
    second,
    secondSite: count === 2 ? siteOf(second) : 0,
    joined: path,
    joinedSite: count === 2 ? siteOf(path) : 0,
    spellings: count === 0 ? spellingsOf(keys) : [],
  };
}

/** Reads the field at a path, however the event spells it: `a.b` is `{ a: { b } }` and `{ 'a.b' }`. */
export function readField(event: Fields, path: FieldPath): Read {
  if (path.keys === 0) return readSpellings(event, path.spellings);
  const value = readKey(event, path.firstSite, path.first);
  if (path.keys === 1) return typeof value === 'object' ? readObject(value) : (value as Read);
  const joined = readKey(event, path.joinedSite, path.joined);
  if (joined !== undefined || typeof value !== 'object' || value === null || Array.isArray(value))
    return readTwice(value, joined, path.second);
  const inner = readKey(value as Fields, path.secondSite, path.second);
  return typeof inner === 'object' ? readObject(inner) : (inner as Read);
}

/** The unusual ways to write two keys: joined with a dot, below a list, or both nested and joined. */
function readTwice(outer: unknown, joined: unknown, second: string): Read {
  const whole = joined === undefined ? undefined : asRead(joined);
  if (typeof outer !== 'object' || outer === null) return whole;
  if (Array.isArray(outer)) return MANY;
  const inner = asRead((outer as Fields)[second]);
  // Null is a value.
  if (inner === undefined) return whole;
  return whole === undefined ? inner : MANY;
}

/** A value as a field has it. */
function asRead(value: unknown): Read {
  return typeof value === 'object' ? readObject(value) : (value as Read);
}

/** An object is no value; a list stands for many. */
function readObject(value: object | null): Read {
  if (value === null) return null;
  return Array.isArray(value) ? MANY : undefined;
}

function readSpellings(event: object, spellings: readonly (readonly string[])[]): Read {
  let found: Read;
  for (const keys of spellings) {
    const value = readKeys(event, keys);
    if (value === undefined) continue;
    if (found !== undefined || value === MANY) return MANY;
    found = value;
  }
  return found;
}

function readKeys(event: object, keys: readonly string[]): Read {
  let value: unknown = event;
  for (const key of keys) {
    if (typeof value !== 'object' || value === null) return undefined;
    if (Array.isArray(value)) return MANY;
    if (!Object.hasOwn(value, key)) return undefined;
    value = (value as Readonly<Record<string, unknown>>)[key];
  }
  return asRead(value);
}

/** Every way to join neighboring keys with dots, the one without dots first. */
function spellingsOf(keys: readonly string[]): readonly (readonly string[])[] {
  const [first = '', ...rest] = keys;
  if (rest.length === 0) return [[first]];
  const below = spellingsOf(rest);
  return [
    ...below.map((spelling) => [first, ...spelling]),
    ...below.map(([head = '', ...tail]) => [`${first}.${head}`, ...tail]),
  ];
}
