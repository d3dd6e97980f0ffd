import { EventSchema } from './event.ts';
import type { LazarusEvent } from './event.ts';

/**
 * Hand-written check of the envelope for the common case. It accepts only what {@link EventSchema} accepts; whatever it
 * does not accept goes to the schema, which has the last word and the words for people. A property test holds the two
 * together.
 */

type FieldCheck = (text: string) => boolean;

const TIME = EventSchema.shape.time._zod.def.pattern ?? /^(?!)/;

const nameOf =
  (max: number): FieldCheck =>
  (text) =>
    text.length > 0 && text.length <= max && isPrintable(text);

const REQUIRED: readonly (readonly [field: string, check: FieldCheck])[] = [
  ['id', nameOf(256)],
  ['event_type', nameOf(128)],
  ['source', nameOf(256)],
  ['time', (text) => TIME.test(text)],
  ['region', nameOf(64)],
  ['environment', nameOf(64)],
  ['service', nameOf(128)],
];

const OPTIONAL: readonly (readonly [field: string, check: FieldCheck])[] = [
  ['account', nameOf(64)],
  ['host', nameOf(256)],
  ['incident_key', nameOf(255)],
  ['summary', (text) => text.length <= 1024],
];

/** No control characters (`\p{Cc}`: U+0000 to U+001F and U+007F to U+009F). */
function isPrintable(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code < 0x20 || (code > 0x7e && code < 0xa0)) return false;
  }
  return true;
}

/** The event with fields in wire order, or `undefined` when only the schema can tell. Expects a payload within bounds. */
export function readEnvelope(payload: unknown): LazarusEvent | undefined {
  if (!isPlainObject(payload)) return undefined;
  const event: Record<string, unknown> = {};
  let fields = 0;
  for (const [field, check] of REQUIRED) {
    const value = payload[field];
    if (typeof value !== 'string' || !check(value)) return undefined;
    event[field] = value;
    fields += 1;
  }
  for (const [field, check] of OPTIONAL) {
    const value = payload[field];
    if (value === undefined) continue;
    if (typeof value !== 'string' || !check(value)) return undefined;
    event[field] = value;
    fields += 1;
  }
  const { attributes } = payload;
  if (attributes !== undefined) {
    if (!isPlainObject(attributes) || !hasJsonValues(attributes, 128)) return undefined;
    fields += 1;
  }
  event['attributes'] = attributes ?? {};
  return countKeys(payload) === fields ? (event as LazarusEvent) : undefined;
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.getPrototypeOf(value) === Object.prototype;
}

function countKeys(object: object): number {
  let keys = 0;
  for (const _ in object) keys += 1;
  return keys;
}

function hasJsonValues(object: Readonly<Record<string, unknown>>, maxKey = Infinity): boolean {
  for (const key in object) {
    if (key.length > maxKey || !isJson(object[key])) return false;
  }
  return true;
}

function isJson(value: unknown): boolean {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return true;
    case 'number':
      return Number.isFinite(value);
    case 'object':
      return (
        value === null ||
        (Array.isArray(value) ? value.every(isJson) : isPlainObject(value) && hasJsonValues(value))
      );
    default:
      return false;
  }
}
