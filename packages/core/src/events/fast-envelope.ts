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

/**
 * A name that most events of a node share, such as the region: to compare it with the one that passed last is faster than to
 * look at each character again.
 */
class SharedName {
  readonly #max: number;
  #last = '';

  constructor(max: number) {
    this.#max = max;
  }

  accepts(value: unknown): boolean {
    if (typeof value !== 'string') return false;
    if (value === this.#last && value !== '') return true;
    if (!isName(value, this.#max)) return false;
    this.#last = value;
    return true;
  }
}

const eventTypes = new SharedName(128);
const sources = new SharedName(256);
const regions = new SharedName(64);
const environments = new SharedName(64);
const accounts = new SharedName(64);

/** The event, or `undefined` when only schema and bounds can tell. */
export function readEnvelope(payload: unknown): LazarusEvent | undefined {
  if (!isPlainObject(payload)) return undefined;
  const { id, event_type, source, time, region, environment, service } = payload;
  const required =
    isName(id, 256) &&
    eventTypes.accepts(event_type) &&
    sources.accepts(source) &&
    isTime(time) &&
    regions.accepts(region) &&
    environments.accepts(environment) &&
    isName(service, 128);
  if (!required) return undefined;
  const { account, host, incident_key, summary, attributes } = payload;
  let fields = 7;
  if (account !== undefined) {
    if (!accounts.accepts(account)) return undefined;
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

/** `\p{Cc}`: U+0000 to U+001F and U+007F to U+009F. */
// eslint-disable-next-line no-control-regex -- control characters are what is looked for
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

/** From this length on the expression is faster than a loop. */
const LONG_NAME = 14;

/** Text of 1 to `max` characters without control characters. */
function isName(value: unknown, max: number): value is string {
  if (typeof value !== 'string' || value.length === 0 || value.length > max) return false;
  if (value.length >= LONG_NAME) return !CONTROL.test(value);
  for (let at = 0; at < value.length; at += 1) {
    const code = value.charCodeAt(at);
    if (code < 0x20 || (code > 0x7e && code < 0xa0)) return false;
  }
  return true;
}

function isTime(value: unknown): value is string {
  return typeof value === 'string' && (isPlainUtc(value) || TIME.test(value));
}

/** `2026-01-31T12:00:00Z`, the 29th of February excepted: whether there is one, the schema knows. */
function isPlainUtc(text: string): boolean {
  return (
    text.length === 20 &&
    text.charCodeAt(4) === DASH &&
    text.charCodeAt(7) === DASH &&
    text.charCodeAt(10) === TEE &&
    text.charCodeAt(13) === COLON &&
    text.charCodeAt(16) === COLON &&
    text.charCodeAt(19) === ZULU &&
    pair(text, 0) >= 0 &&
    pair(text, 2) >= 0 &&
    isDay(pair(text, 5), pair(text, 8)) &&
    isWithin(pair(text, 11), 23) &&
    isWithin(pair(text, 14), 59) &&
    isWithin(pair(text, 17), 59)
  );
}

const DASH = 45;
const COLON = 58;
const TEE = 84;
const ZULU = 90;

/** The number of two digits, or a negative one. */
function pair(text: string, at: number): number {
  const high = text.charCodeAt(at) - 48;
  const low = text.charCodeAt(at + 1) - 48;
  return high < 0 || high > 9 || low < 0 || low > 9 ? -1 : high * 10 + low;
}

const isWithin = (number: number, most: number): boolean => number >= 0 && number <= most;

function isDay(month: number, day: number): boolean {
  if (month < 1 || month > 12 || day < 1) return false;
  if (day <= 28) return true;
  if (month === 2) return false;
  const isShort = month === 4 || month === 6 || month === 9 || month === 11;
  return day <= (isShort ? 30 : 31);
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

function isAttributes(value: unknown): boolean {
  if (!isPlainObject(value)) return false;
  const left: Allowance = { characters: ATTRIBUTE_CHARACTERS, values: ATTRIBUTE_VALUES };
  return isJsonObject(value, 2, left, MAX_ATTRIBUTE_NAME);
}

function isJsonObject(
  object: Readonly<Record<string, unknown>>,
  depth: number,
  left: Allowance,
  maxName: number,
): boolean {
  if (depth > MAX_EVENT_DEPTH) return false;
  for (const key in object) {
    left.characters -= key.length;
    if (key === '__proto__' || key.length > maxName) return false;
    if (!isJson(object[key], depth + 1, left)) return false;
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
  if (Array.isArray(value)) return isJsonList(value, depth, left);
  return isPlainObject(value) && isJsonObject(value, depth, left, Infinity);
}

function isJsonList(list: readonly unknown[], depth: number, left: Allowance): boolean {
  if (depth > MAX_EVENT_DEPTH) return false;
  for (const entry of list) if (!isJson(entry, depth + 1, left)) return false;
  return true;
}
