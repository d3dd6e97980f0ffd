import { evaluate } from '@marcbachmann/cel-js';
import type { Json } from '@lazarus/core/ports';
import type { ValueType } from './value-type.ts';

/** The package does not export the classes of its own values. */
const prototypeOf = (source: string): unknown => Object.getPrototypeOf(evaluate(source));
const UNSIGNED = prototypeOf('1u');
const DURATION = prototypeOf("duration('1s')");

/** Type of the JSON that a value of a CEL type becomes. */
export function jsonTypeOf(celType: string | undefined): ValueType {
  if (celType === undefined) return 'dyn';
  if (celType === 'int' || celType === 'uint') return 'double';
  if (celType === 'google.protobuf.Timestamp' || celType === 'google.protobuf.Duration') return 'string';
  if (celType.startsWith('list')) return 'list';
  if (celType.startsWith('map') || celType.startsWith('$')) return 'map';
  return celType === 'string' || celType === 'double' || celType === 'bool' || celType === 'null'
    ? celType
    : 'dyn';
}

/**
 * JSON of a CEL value: whole numbers come back as numbers, times as ISO texts, durations as `300s`, maps as objects.
 *
 * @throws RangeError for what JSON cannot hold: bytes, types, not-a-number, infinity, whole numbers beyond 2^53. A value
 * that the journal would write as something else must never be used. Keeps S12.
 */
export function toJson(value: unknown): Json {
  if (value === undefined || value === null) return null;
  if (typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number') return finite(value);
  if (typeof value === 'bigint') return whole(value);
  if (Array.isArray(value)) return value.map(toJson);
  if (value instanceof Map) return objectOf(value);
  if (value instanceof Date) return value.toISOString();
  if (typeof value === 'object') {
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype === Object.prototype || prototype === null) return objectOf(Object.entries(value));
    if (prototype === UNSIGNED) return whole((value as { readonly value: bigint }).value);
    // CEL writes a duration as `300s`, which documents read as well.
    if (prototype === DURATION) return (value as { toString(): string }).toString();
  }
  throw new RangeError('it gives something that is neither text, number, truth value, list nor mapping');
}

function objectOf(entries: Iterable<readonly [unknown, unknown]>): Json {
  return Object.fromEntries([...entries].map(([key, inner]) => [String(key), toJson(inner)]));
}

function finite(value: number): number {
  if (Number.isFinite(value)) return value;
  throw new RangeError(
    `it gives ${value}, which is no number that can be written down (a division by zero?)`,
  );
}

function whole(value: bigint): number {
  const number = Number(value);
  if (Number.isSafeInteger(number)) return number;
  throw new RangeError(`it gives ${value}, which is too large to be exact`);
}
