import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { BUILT_IN_EVENT_TYPES } from '../../src/events/built-in-types.ts';
import { defineEventType } from '../../src/events/event-type.ts';
import { createEventTypes } from '../../src/events/event-types.ts';
import type { EventParse } from '../../src/events/parse-event.ts';
import { parseEvent } from '../../src/events/parse-event.ts';
import { formatIssue } from '../../src/errors/lazarus-error.ts';

const valid = {
  id: '1',
  event_type: 'NagiosHostAlarm',
  source: 'nagios',
  time: '2026-01-31T12:00:00Z',
  region: 'eu-west-1',
  environment: 'prod',
  service: 'web',
  host: 'web-1',
  incident_key: 'web-1/down',
  attributes: { host_state: 'DOWN', host_state_type: 'HARD' },
};

const issuesOf = (parsed: EventParse): readonly string[] => (parsed.ok ? [] : parsed.issues.map(formatIssue));

describe('an event', () => {
  it('is read with its fields as they are on the wire', () => {
    expect(parseEvent(valid)).toEqual({ ok: true, event: valid });
  });

  it('may leave out attributes, host, page, account and summary', () => {
    const { attributes: _, host: _host, incident_key: _key, ...bare } = valid;
    expect(parseEvent(bare)).toEqual({ ok: true, event: { ...bare, attributes: {} } });
  });

  it('has the canonical type whichever spelling of HealthcheckDown the sender used', () => {
    for (const event_type of ['HealthcheckDown', 'HealthCheckDown']) {
      expect(parseEvent({ ...valid, event_type, attributes: {} })).toMatchObject({
        ok: true,
        event: { event_type: 'HealthcheckDown' },
      });
    }
  });

  it('may carry attributes that its type does not know', () => {
    expect(parseEvent({ ...valid, attributes: { rack: 7, tags: ['a', { b: null }] } }).ok).toBe(true);
  });

  it('may be of an unregistered type unless only known types are asked for', () => {
    expect(parseEvent({ ...valid, event_type: 'DiskFull' }).ok).toBe(true);
    expect(
      issuesOf(parseEvent({ ...valid, event_type: 'NagiosHostAlrm' }, { knownTypesOnly: true })),
    ).toEqual([
      'event_type found string "NagiosHostAlrm", which is no known event type (did you mean "NagiosHostAlarm"?)',
    ]);
  });
});

describe('a refused event', () => {
  it('names every problem with what was found and what was expected', () => {
    const parsed = parseEvent({
      ...valid,
      id: 7,
      tiem: 1,
      time: 'yesterday',
      service: 'a\u0000b',
      incident_key: 'page-7',
    });
    expect(issuesOf(parsed)).toEqual([
      'id found number 7, expected a string',
      'time found string "yesterday", expected an ISO 8601 time with offset, such as 2026-01-31T12:00:00Z',
      'service control characters are not allowed',
      'tiem found the unknown key "tiem" (did you mean "time"?)',
    ]);
    expect(parsed).toMatchObject({ incidentKey: 'page-7' });
  });

  it('names the attribute that does not fit its type', () => {
    expect(issuesOf(parseEvent({ ...valid, attributes: { host_state_type: 'HRAD' } }))).toEqual([
      'attributes.host_state_type found string "HRAD", expected SOFT | HARD (did you mean "HARD"?)',
    ]);
  });

  it.each([['text that was not JSON'], [null], [7], [[valid]], [undefined]])(
    'is anything but an object: %j',
    (payload) => {
      const parsed = parseEvent(payload);
      expect(parsed.ok).toBe(false);
      expect(parsed).not.toHaveProperty('incidentKey');
    },
  );

  it('names no page when the incident key is not usable', () => {
    expect(parseEvent({ incident_key: '' })).not.toHaveProperty('incidentKey');
    expect(parseEvent({ incident_key: ['a'] })).not.toHaveProperty('incidentKey');
  });

  it('does not read a page from the prototype', () => {
    expect(parseEvent(Object.create({ incident_key: 'inherited' }))).not.toHaveProperty('incidentKey');
  });

  it('has a __proto__ key at any depth', () => {
    for (const text of ['{"__proto__":{"id":"x"}}', '{"attributes":{"a":[{"__proto__":{"admin":true}}]}}']) {
      const payload: unknown = { ...valid, ...(JSON.parse(text) as object) };
      const parsed = parseEvent(text.startsWith('{"__proto__') ? JSON.parse(text) : payload);
      expect(issuesOf(parsed).join()).toMatch('__proto__');
    }
    expect(({} as Record<string, unknown>)['admin']).toBeUndefined();
  });

  it('is nested deeper than 16 levels, without using up the stack', () => {
    let deep: unknown = 1;
    for (let level = 0; level < 100_000; level += 1) deep = [deep];
    expect(issuesOf(parseEvent({ ...valid, attributes: { deep } }))[0]).toMatch(
      'nested deeper than 16 levels',
    );
  });

  it('holds more than 262 144 characters or 10 000 values', () => {
    expect(issuesOf(parseEvent({ ...valid, attributes: { text: 'x'.repeat(262_144) } }))).toEqual([
      'attributes.text larger than 262144 bytes',
    ]);
    expect(issuesOf(parseEvent({ ...valid, attributes: { list: new Array(10_000).fill(0) } }))[0]).toMatch(
      'more than 10000 values',
    );
  });

  it('reports at most 20 issues', () => {
    const noise = Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`unknown_${at}`, 1]));
    expect(issuesOf(parseEvent({ ...valid, ...noise }))).toHaveLength(20);
  });
});

describe('event types', () => {
  it('are open: a type of a plugin brings its schema', () => {
    const DiskFull = defineEventType({
      name: 'DiskFull',
      summary: 'A disk has no room left.',
      attributes: z.looseObject({ mount: z.string(), used_percent: z.number().max(100).optional() }),
    });
    const types = createEventTypes([DiskFull]);
    const event = { ...valid, event_type: 'DiskFull' };
    expect(parseEvent({ ...event, attributes: { mount: '/', used_percent: 99 } }, { types }).ok).toBe(true);
    expect(issuesOf(parseEvent({ ...event, attributes: { used_percent: 101 } }, { types }))).toEqual([
      'attributes.mount found nothing, expected a string',
      'attributes.used_percent found number 101, expected at most 100',
    ]);
  });

  it('may set defaults for their attributes', () => {
    const Custom = defineEventType({
      name: 'Custom',
      summary: 'x',
      attributes: z.looseObject({ size: z.number().default(3) }),
    });
    expect(
      parseEvent({ ...valid, event_type: 'Custom', attributes: {} }, { types: createEventTypes([Custom]) }),
    ).toMatchObject({
      event: { attributes: { size: 3 } },
    });
  });

  it('cannot share a spelling', () => {
    const clash = defineEventType({
      name: 'Mine',
      aliases: ['HealthCheckDown'],
      summary: 'x',
      attributes: z.looseObject({}),
    });
    expect(() => createEventTypes([clash])).toThrow(
      'claims the name HealthCheckDown, which belongs to HealthcheckDown',
    );
  });

  it('are refused without a name, a summary or a positive age', () => {
    const define = () =>
      defineEventType({ name: 'no spaces', summary: ' ', attributes: z.looseObject({}), staleAfterMs: 0 });
    expect(define).toThrow(/name .*\n.*summary .*\n.*staleAfterMs/);
  });

  it('come built in as six', () => {
    expect(BUILT_IN_EVENT_TYPES.map((type) => type.name)).toEqual([
      'NagiosHostAlarm',
      'NagiosServiceAlarm',
      'HealthcheckDown',
      'AWSScheduledEvent',
      'AutoScalingEvent',
      'ScaleRequest',
    ]);
  });
});
