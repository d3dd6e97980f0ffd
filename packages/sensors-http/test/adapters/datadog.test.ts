import { DATADOG_TEMPLATE, DatadogOptions, datadogToEvents } from '@lazarus/sensors-http';
import { describe, expect, it } from 'vitest';
import { fixture, onlyEvent, outline } from './fixture.ts';

const options = DatadogOptions.parse({});
const notification = (overrides: Record<string, unknown> = {}): unknown => ({
  ...fixture('datadog'),
  ...overrides,
});

describe('a notification of Datadog', () => {
  it('becomes an event about what its tags say', () => {
    expect(onlyEvent(datadogToEvents(notification(), options))).toEqual({
      id: '1234567/5216283642893871104/9bd4ac313a4d1e8fae2482df7b77628/web-1',
      event_type: 'DatadogAlert',
      source: 'datadog',
      time: '2026-01-01T00:00:00.000Z',
      region: 'us-east-1',
      environment: 'prod',
      service: 'web',
      host: 'i-0abc',
      incident_key: 'web/web-1',
      summary: '[P1] [Triggered on {host:web-1}] healthcheck',
      attributes: {
        monitor_id: '1234567',
        transition: 'Triggered',
        alert_type: 'error',
        scope: 'host:web-1,service:web',
        priority: 'normal',
        link: 'https://app.datadoghq.com/event/event?id=7654321098765432109',
        tags: {
          env: 'prod',
          instance_id: 'i-0abc',
          region: 'us-east-1',
          service: 'web',
          incident_key: 'web/web-1',
        },
      },
    });
  });

  it('that is repeated within its alert cycle makes the same id, and a new one in the next cycle', () => {
    const first = onlyEvent(datadogToEvents(notification(), options)).id;
    const again = notification({ transition: 'Re-Triggered', id: '8', date: 1_767_229_200 });
    expect(onlyEvent(datadogToEvents(again, options))).toMatchObject({
      id: first,
      time: '2026-01-01T01:00:00.000Z',
    });
    expect(onlyEvent(datadogToEvents(notification({ cycle: '6' }), options)).id).not.toBe(first);
  });

  it.each([
    ['Recovered', 'recovery'],
    ['Warn', 'warning'],
    ['No Data', 'no_data'],
    ['Re-No Data', 'no_data'],
    ['', 'test'],
    ['$ALERT_TRANSITION', 'test'],
  ])('with the transition %j deposits nothing: %s', (transition, reason) => {
    expect(outline(datadogToEvents(notification({ transition }), options))).toEqual([reason]);
  });

  it('made of the template itself, as a test sends it, deposits nothing', () => {
    expect(outline(datadogToEvents(JSON.parse(DATADOG_TEMPLATE), options))).toEqual(['test']);
  });

  it('has every variable of the recorded notification in the template', () => {
    expect(Object.keys(JSON.parse(DATADOG_TEMPLATE) as object)).toEqual(Object.keys(fixture('datadog')));
  });

  it('takes the type from a tag, and names the tags that are missing', () => {
    const typed = notification({ tags: 'event_type:HealthcheckDown,service:web,env:prod,region:r' });
    expect(onlyEvent(datadogToEvents(typed, options)).event_type).toBe('HealthcheckDown');
    const bare = notification({ tags: '__proto__:x,service:,:web,region' });
    expect(outline(datadogToEvents(bare, options))).toEqual([['tags.region', 'tags.env', 'tags.service']]);
  });

  it.each([
    ['an unknown transition', { transition: 'Exploded' }, 'transition'],
    ['a date that is none', { date: 'noon' }, 'date'],
    ['a host that is no text', { host: ['web-1'] }, 'host'],
  ])('with %s is invalid', (_title, overrides, path) => {
    expect(outline(datadogToEvents(notification(overrides), options))).toEqual([[path]]);
  });

  it('reads 1 MB of white space or of commas in under 1 s', () => {
    const begin = performance.now();
    for (const filler of [' ', ',', ':', ' :'])
      datadogToEvents(notification({ tags: filler.repeat(1_000_000 / filler.length) }), options);
    expect(performance.now() - begin).toBeLessThan(1_000);
  });
});
