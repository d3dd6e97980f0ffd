import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EventSchema } from '../../src/events/event.ts';
import { findBoundsProblem } from '../../src/events/event-bounds.ts';
import { readEnvelope } from '../../src/events/fast-envelope.ts';
import { parseEvent } from '../../src/events/parse-event.ts';

const text = (max: number) =>
  fc.oneof(
    fc.string({ minLength: 1, maxLength: 12 }),
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 }),
    fc.constantFrom(
      '',
      ' ',
      '\u0000',
      'a\u007f',
      '\u009f',
      '\u00a0',
      '\ud800',
      'x'.repeat(max),
      'x'.repeat(max + 1),
    ),
  );

const time = fc.oneof(
  fc
    .date({ noInvalidDate: true, min: new Date('0001-01-01'), max: new Date('9999-12-31') })
    .map((date) => date.toISOString()),
  fc.constantFrom(
    '2026-02-29T00:00:00Z',
    '2024-02-29T00:00:00+01:00',
    '2026-01-01T00:00Z',
    '2026-01-01T00:00:00',
    '2026-13-01T00:00:00Z',
    '',
    'now',
  ),
);

const attributes = fc.oneof(
  fc.dictionary(fc.string({ maxLength: 6 }), fc.jsonValue({ maxDepth: 3 }), {
    maxKeys: 4,
    noNullPrototype: true,
  }),
  fc.constantFrom({ a: NaN }, { a: undefined }, { a: new Date(0) }, { ['k'.repeat(129)]: 1 }, [], null, 'x', {
    a: [Infinity],
  }),
);

const payload = fc.record(
  {
    id: text(256),
    event_type: text(128),
    source: text(256),
    time,
    region: text(64),
    environment: text(64),
    account: fc.oneof(text(64), fc.constant(undefined)),
    service: text(128),
    host: text(256),
    incident_key: text(255),
    summary: fc.oneof(text(1024), fc.constant(3)),
    attributes,
    extra: fc.constant(1),
  },
  {
    requiredKeys: ['id', 'event_type', 'source', 'time', 'region', 'environment', 'service'],
    noNullPrototype: true,
  },
);

const valid = fc.record(
  {
    id: fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 9 }),
    event_type: fc.constantFrom('NagiosHostAlarm', 'Custom'),
    source: fc.constant('nagios'),
    time: fc.constant('2026-01-01T00:00:00.123+02:00'),
    region: fc.constant('eu-west-1'),
    environment: fc.constant('prod'),
    service: fc.constant('web'),
    account: fc.constant('1234'),
    summary: fc.string({ maxLength: 9 }),
    attributes,
  },
  {
    requiredKeys: ['id', 'event_type', 'source', 'time', 'region', 'environment', 'service'],
    noNullPrototype: true,
  },
);

describe('the fast envelope check', () => {
  it('accepts only what the schema accepts, and reads the same event', () => {
    let accepted = 0;
    fc.assert(
      fc.property(fc.oneof(payload, valid), (candidate) => {
        const fast = readEnvelope(candidate);
        const bySchema = EventSchema.safeParse(candidate);
        if (fast === undefined) return;
        accepted += 1;
        expect(findBoundsProblem(candidate)).toBeUndefined();
        expect(bySchema.success).toBe(true);
        expect(fast).toEqual(bySchema.data);
      }),
      { numRuns: 3_000 },
    );
    expect(accepted).toBeGreaterThan(300);
  });

  it('takes every event of plain JSON data off the schema', () => {
    fc.assert(
      fc.property(valid, (candidate) => {
        const decoded: unknown = JSON.parse(JSON.stringify(candidate));
        fc.pre(findBoundsProblem(decoded) === undefined);
        expect(readEnvelope(decoded) !== undefined).toBe(EventSchema.safeParse(decoded).success);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('any payload', () => {
  it('is an event or is refused with issues, and never throws', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.anything({ withDate: true, withMap: true, withNullPrototype: true, withBigInt: true }),
          payload,
        ),
        (candidate) => {
          const parsed = parseEvent(candidate);
          if (!parsed.ok) expect(parsed.issues.length).toBeGreaterThan(0);
        },
      ),
      { numRuns: 2_000 },
    );
  });
});
