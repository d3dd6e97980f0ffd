/**
 * The events that are accepted are those that the bounds, the schema of the envelope and the schema of the type accept: the
 * fast way through must not show. Valid events are changed in one to three places, each time in a way that came to mind as
 * likely to slip through.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BUILT_IN_TYPES } from '../../src/events/event-types.ts';
import { MAX_EVENT_BYTES, EventSchema } from '../../src/events/event.ts';
import { findBoundsProblem, MAX_EVENT_DEPTH, MAX_EVENT_VALUES } from '../../src/events/event-bounds.ts';
import { readEnvelope } from '../../src/events/fast-envelope.ts';
import { parseEvent } from '../../src/events/parse-event.ts';

/** What the schemas alone say, or `undefined` when they refuse. */
function bySchemas(payload: unknown): unknown {
  if (findBoundsProblem(payload) !== undefined) return undefined;
  const envelope = EventSchema.safeParse(payload);
  if (!envelope.success) return undefined;
  const type = BUILT_IN_TYPES.find(envelope.data.event_type);
  if (type === undefined) return envelope.data;
  const attributes = type.attributes.safeParse(envelope.data.attributes);
  if (!attributes.success) return undefined;
  return { ...envelope.data, event_type: type.name, attributes: attributes.data };
}

const byParser = (payload: unknown): unknown => {
  const parsed = parseEvent(payload);
  return parsed.ok ? parsed.event : undefined;
};

const FIELDS = [
  'id',
  'event_type',
  'source',
  'time',
  'region',
  'environment',
  'account',
  'service',
  'host',
  'incident_key',
  'summary',
  'attributes',
] as const;

const TYPES = [
  'NagiosHostAlarm',
  'NagiosServiceAlarm',
  'HealthcheckDown',
  'HealthCheckDown',
  'AWSScheduledEvent',
  'AutoScalingEvent',
  'ScaleRequest',
  'DiskFull',
];

const valid = fc.record(
  {
    id: fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 30 }),
    event_type: fc.constantFrom(...TYPES),
    source: fc.constantFrom('nagios/eu-1', 'cli'),
    time: fc.constantFrom('2026-01-31T23:59:59Z', '2026-04-30T00:00:00Z', '2024-02-29T12:00:00+05:30'),
    region: fc.constantFrom('eu-west-1', 'us-east-1'),
    environment: fc.constantFrom('prod', 'stage'),
    account: fc.constant('123456789012'),
    service: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }),
    host: fc.constant('i-0abc'),
    incident_key: fc.constant('web/web-1/host-down/é/漢字'),
    summary: fc.string({ unit: 'grapheme', maxLength: 40 }),
    attributes: fc.record(
      {
        host_state: fc.constantFrom('UP', 'DOWN'),
        host_state_type: fc.constantFrom('SOFT', 'HARD'),
        host_attempt: fc.constantFrom(1, 3),
        failures: fc.constant(3),
        count: fc.constant(2),
        tags: fc.constant({ team: 'a', list: [1, null, { deep: true }] }),
      },
      { requiredKeys: [], noNullPrototype: true },
    ),
  },
  {
    requiredKeys: ['id', 'event_type', 'source', 'time', 'region', 'environment', 'service'],
    noNullPrototype: true,
  },
);

/** JSON text becomes own keys that no literal could make, such as `__proto__`. */
const own = (key: string, value: unknown): object =>
  JSON.parse(`{${JSON.stringify(key)}:${JSON.stringify(value)}}`) as object;

const nested = (depth: number): unknown => (depth === 0 ? 1 : { a: nested(depth - 1) });

const oddValue = fc.constantFrom<unknown>(
  null,
  undefined,
  '',
  ' ',
  0,
  -1,
  1.5,
  Number.NaN,
  Infinity,
  true,
  10n,
  [],
  {},
  [[]],
  Symbol('x'),
  () => 1,
  new Date(0),
  new Map(),
  Object.create(null),
  Object.create({ inherited: 1 }),
  own('__proto__', { polluted: true }),
  'HARD ',
  'hard',
  'a\u0000',
  '\u001f',
  '\u007f',
  '\u0080\u009f',
  '\u00a0',
  '\u2028',
  '\ud800',
  '\udc00a',
  '😀'.repeat(40),
  'é'.normalize('NFD'),
  'x'.repeat(63),
  'x'.repeat(64),
  'x'.repeat(65),
  'x'.repeat(128),
  'x'.repeat(129),
  'x'.repeat(255),
  'x'.repeat(256),
  'x'.repeat(257),
  `${'x'.repeat(63)}\u0007`,
  'y'.repeat(1_024),
  'y'.repeat(1_025),
);

const oddTime = fc.oneof(
  fc
    .tuple(...[4, 2, 2, 2, 2, 2].map((digits) => fc.nat({ max: 10 ** digits - 1 })))
    .map((numbers) => numbers.map((each, at) => String(each).padStart(at === 0 ? 4 : 2, '0')))
    .map(([y, mo, d, h, mi, s]) => `${y}-${mo}-${d}T${h}:${mi}:${s}Z`),
  fc
    .tuple(
      fc.constantFrom('2023', '2024', '1900', '2000'),
      fc.integer({ min: 1, max: 12 }),
      fc.constantFrom(28, 29, 30, 31, 32),
    )
    .map(([year, month, day]) => `${year}-${String(month).padStart(2, '0')}-${day}T00:00:00Z`),
  fc.constantFrom(
    '2026-01-31T12:00:00z',
    '2026-01-31t12:00:00Z',
    '2026-01-31 12:00:00Z',
    '2026-01-31T12:00:00',
    '2026-01-31T12:00:60Z',
    '2026-01-31T24:00:00Z',
    '２026-01-31T12:00:00Z',
    '+026-01-31T12:00:00Z',
    '2026-1 -31T12:00:00Z',
    '2026-01-31T12:00:00.1234567Z',
  ),
);

/** Values near a bound, each made once. */
const huge: readonly unknown[] = [
  nested(MAX_EVENT_DEPTH - 2),
  nested(MAX_EVENT_DEPTH - 1),
  nested(MAX_EVENT_DEPTH),
  nested(MAX_EVENT_DEPTH + 1),
  { a: 'z'.repeat(MAX_EVENT_BYTES - 20_000) },
  { a: 'z'.repeat(MAX_EVENT_BYTES - 300) },
  { a: 'z'.repeat(MAX_EVENT_BYTES) },
  { a: Array.from({ length: MAX_EVENT_VALUES - 100 }, () => 1) },
  { a: Array.from({ length: MAX_EVENT_VALUES - 14 }, () => 1) },
  { a: Array.from({ length: MAX_EVENT_VALUES }, () => 1) },
  { ['k'.repeat(128)]: 1 },
  { ['k'.repeat(129)]: 1 },
  { a: { ['k'.repeat(129)]: 1 } },
];

type Payload = Record<string, unknown>;
const change = (path: readonly string[], value: unknown) => (payload: Payload) => {
  const [key = '', ...rest] = path;
  if (rest.length === 0) return { ...payload, [key]: value };
  const inner = payload[key];
  return { ...payload, [key]: { ...(typeof inner === 'object' ? inner : {}), [rest[0] ?? '']: value } };
};

const mutation: fc.Arbitrary<(payload: Payload) => Payload> = fc.oneof(
  fc.tuple(fc.constantFrom(...FIELDS), oddValue).map(([field, value]) => change([field], value)),
  fc.constantFrom(...FIELDS).map((field) => (payload: Payload) => {
    const { [field]: _, ...rest } = payload;
    return rest;
  }),
  oddTime.map((time) => change(['time'], time)),
  fc
    .tuple(
      fc.constantFrom('host_state', 'host_state_type', 'host_attempt', 'status', 'count', 'url', 'free'),
      oddValue,
    )
    .map(([name, value]) => change(['attributes', name], value)),
  fc.constantFrom(...huge).map((attributes) => change(['attributes'], attributes)),
  fc
    .tuple(fc.constantFrom('extra', '', '__proto__', 'constructor', 'toString', 'Id', 'id '), oddValue)
    .map(([key, value]) => (payload: Payload): Payload => {
      const changed = { ...payload };
      Object.defineProperty(changed, key, { value, enumerable: true, configurable: true, writable: true });
      return changed;
    }),
  fc
    .tuple(fc.constantFrom('__proto__', 'constructor', 'hasOwnProperty', ''), fc.boolean())
    .map(([key, isDeep]) => change(['attributes'], isDeep ? { a: [own(key, 1)] } : own(key, { b: 1 }))),
  fc.constant((payload: Payload): Payload => Object.assign(Object.create({ host: 'h' }) as Payload, payload)),
  fc.constant((payload: Payload): Payload => Object.assign(Object.create(null) as Payload, payload)),
);

const mutated = fc
  .tuple(valid, fc.array(mutation, { minLength: 0, maxLength: 3 }))
  .map(([event, changes]) => changes.reduce<Payload>((payload, each) => each(payload), event));

describe('the events that are accepted', () => {
  it('are those that bounds and schemas accept, and are read as they read them', () => {
    let accepted = 0;
    let refused = 0;
    fc.assert(
      fc.property(mutated, (payload) => {
        const expected = bySchemas(payload);
        expect(byParser(payload)).toEqual(expected);
        if (expected === undefined) refused += 1;
        else accepted += 1;
      }),
      { numRuns: 4_000 },
    );
    expect(accepted).toBeGreaterThan(400);
    expect(refused).toBeGreaterThan(400);
  });

  it('do not depend on the event before them', () => {
    const pair = fc.tuple(mutated, mutated);
    fc.assert(
      fc.property(pair, ([before, payload]) => {
        parseEvent(before);
        expect(byParser(payload)).toEqual(bySchemas(payload));
        // Once more: now each shared name of it is the one that passed last.
        expect(byParser(payload)).toEqual(bySchemas(payload));
      }),
      { numRuns: 1_000 },
    );
  });

  it('take the fast way on every day of a year that all years have, and leave the rest to the schema', () => {
    for (let day = Date.UTC(2023, 0, 1); day < Date.UTC(2025, 0, 1); day += 86_400_000) {
      const time = new Date(day + 3_600_000).toISOString().replace('.000', '');
      const event = {
        id: 'e',
        event_type: 'X',
        source: 's',
        time,
        region: 'r',
        environment: 'e',
        service: 's',
      };
      expect(readEnvelope(event)).toBeDefined();
    }
  });

  it('are not text, numbers, lists or nothing', () => {
    for (const payload of [null, undefined, 'text', 3, true, [], [{}], Symbol('x'), () => 1, new Date(0)])
      expect(byParser(payload)).toBeUndefined();
  });
});
