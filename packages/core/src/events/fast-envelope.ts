/**
 * Hand-written check of an event for the common case. It accepts only what the schema and the bounds accept; whatever it
 * does not accept goes to them, and they have the last word and the words for people. A property test holds the two
 * together.
 */
import { MAX_EVENT_BYTES, EventSchema } from './event.ts';
import type { LazarusEvent } from './event.ts';
import { MAX_EVENT_DEPTH, MAX_EVENT_VALUES } from './event-bounds.ts';

/** The envelope is bounded by its own lengths; what is left of the bounds is for the attributes. */
const ATTRIBUTE_CHARACTERS = MAX_EVENT_BYTES - 16_384;
const ATTRIBUTE_VALUES = MAX_EVENT_VALUES - 64;
const MAX_ATTRIBUTE_NAME = 128;

const TIME = EventSchema.shape.time._zod.def.pattern ?? /^(?!)/;

interface Allowance {
  characters: number;
  values: number;
}

/** The event, or `undefined` when only schema and bounds can tell. */
export function readEnvelope(payload: unknown): LazarusEvent | undefined {
  if (!isPlainObject(payload)) return undefined;
  const { id, event_type, source, time, region, environment, service } = payload;
  const required =
    isName(id, 256) &&
    isName(event_type, 128) &&
    isName(source, 256) &&
    isTime(time) &&
    isName(region, 64) &&
    isName(environment, 64) &&
    isName(service, 128);
  if (!required) return undefined;
  const { account, host, incident_key, summary, attributes } = payload;
  let fields = 7;
  if (account !== undefined) {
    if (!isName(account, 64)) return undefined;
    fields += 1;
  }
  if (host !== undefined) {
    if (!isName(host, 256)) return undefined;
    fields += 1;
  }
  if (incident_key !== undefined) {
    if (!isName(incident_key, 255)) return undefined;
    fields += 1;
  }
  if (summary !== undefined) {
    if (typeof summary !== 'string' || summary.length > 1024) return undefined;
    fields += 1;
  }
  if (attributes === undefined)
    return Object.keys(payload).length === fields ? withoutAttributes(payload) : undefined;
  if (!isAttributes(attributes) || Object.keys(payload).length !== fields + 1) return undefined;
  return payload as LazarusEvent;
}

const withoutAttributes = (payload: object): LazarusEvent =>
  ({ ...payload, attributes: {} }) as unknown as LazarusEvent;

/** Text of 1 to `max` characters without control characters (`\p{Cc}`: U+0000 to U+001F and U+007F to U+009F). */
function isName(value: unknown, max: number): value is string {
  if (typeof value !== 'string' || value.length === 0 || value.length > max) return false;
  for (let at = 0; at < value.length; at += 1) {
    const code = value.charCodeAt(at);
    if (code < 0x20 || (code > 0x7e && code < 0xa0)) return false;
  }
  return true;
}

function isTime(value: unknown): value is string {
  return typeof value === 'string' && (isPlainUtc(value) || TIME.test(value));
}

/** `2026-01-31T12:00:00Z` with a day that every month has. */
function isPlainUtc(text: string): boolean {
  if (
    text.length !== 20 ||
    text.charCodeAt(4) !== 45 ||
    text.charCodeAt(7) !== 45 ||
    text.charCodeAt(10) !== 84
  )
    return false;
  if (text.charCodeAt(13) !== 58 || text.charCodeAt(16) !== 58 || text.charCodeAt(19) !== 90) return false;
  const century = pair(text, 0);
  const month = pair(text, 5);
  const day = pair(text, 8);
  const isDate = century >= 0 && pair(text, 2) >= 0 && month >= 1 && month <= 12 && day >= 1 && day <= 28;
  const [hour, minute, second] = [pair(text, 11), pair(text, 14), pair(text, 17)];
  return isDate && hour >= 0 && hour <= 23 && minute >= 0 && minute <= 59 && second >= 0 && second <= 59;
}

/** The number of two digits, or a negative one. */
function pair(text: string, at: number): number {
  const high = text.charCodeAt(at) - 48;
  const low = text.charCodeAt(at + 1) - 48;
  return high < 0 || high > 9 || low < 0 || low > 9 ? -1 : high * 10 + low;
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

function isAttributes(value: unknown): boolean {
  if (!isPlainObject(value)) return false;
  const left: Allowance = { characters: ATTRIBUTE_CHARACTERS, values: ATTRIBUTE_VALUES };
  for (const key in value) if (key.length > MAX_ATTRIBUTE_NAME) return false;
  return isJsonObject(value, 2, left);
}

function isJsonObject(object: Readonly<Record<string, unknown>>, depth: number, left: Allowance): boolean {
  if (depth > MAX_EVENT_DEPTH) return false;
  for (const key in object) {
    left.characters -= key.length;
    if (key === '__proto__' || !isJson(object[key], depth + 1, left)) return false;
  }
  return true;
}

function isJson(value: unknown, depth: number, left: Allowance): boolean {
  left.values -= 1;
  if (typeof value === 'string') {
    left.characters -= value.length;
    return left.characters >= 0;
  }
  left.characters -= 4;
  if (left.values < 0 || left.characters < 0) return false;
  if (typeof value === 'number') return Number.isFinite(value);
  if (typeof value === 'boolean' || value === null) return true;
  if (Array.isArray(value))
    return depth <= MAX_EVENT_DEPTH && value.every((entry) => isJson(entry, depth + 1, left));
  return isPlainObject(value) && isJsonObject(value, depth, left);
}
