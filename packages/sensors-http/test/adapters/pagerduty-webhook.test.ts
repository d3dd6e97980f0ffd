import { createHmac } from 'node:crypto';
import { PagerDutyOptions, isSignedByPagerDuty, pagerDutyToEvents } from '@lazarus/sensors-http';
import { describe, expect, it } from 'vitest';
import { fixture, onlyEvent, outline } from './fixture.ts';

const options = PagerDutyOptions.parse({
  services: { PF9KMXH: { service: 'mailer', region: 'us-east-1', environment: 'prod' } },
});

describe('a webhook of PagerDuty', () => {
  it('about a new incident of a listed service becomes an event with its incident key', () => {
    expect(onlyEvent(pagerDutyToEvents(fixture('pagerduty'), options))).toEqual({
      id: '01BWMZ1AJ6MH2FVXAR4NDCYZ9G',
      event_type: 'PagerDutyIncident',
      source: 'pagerduty',
      time: '2026-01-01T00:00:00.123Z',
      region: 'us-east-1',
      environment: 'prod',
      service: 'mailer',
      incident_key: 'd3640fbd41094207a1c11e58e46b1662',
      summary: 'The queue of the mailer grows',
      attributes: {
        page_id: 'PGR0VU2',
        urgency: 'high',
        link: 'https://example.pagerduty.com/incidents/PGR0VU2',
      },
    });
  });

  it('about another service, or anything but a new incident, deposits nothing', () => {
    expect(outline(pagerDutyToEvents(fixture('pagerduty'), { services: {} }))).toEqual([
      'service_not_listed',
    ]);
    for (const event_type of ['incident.acknowledged', 'incident.resolved', 'pagey.ping']) {
      const { event } = fixture('pagerduty') as { event: object };
      const webhook = { event: { ...event, event_type } };
      expect(outline(pagerDutyToEvents(webhook, options))).toEqual(['not_triggered']);
    }
  });

  it('of another shape is invalid', () => {
    expect(outline(pagerDutyToEvents({ messages: [] }, options))).toEqual([['event']]);
  });
});

describe('the signature of PagerDuty', () => {
  const secret = 'secret-0123456789abcdef';
  const body = Buffer.from(JSON.stringify(fixture('pagerduty')));
  const sign = (by: string, what: Uint8Array): string =>
    `v1=${createHmac('sha256', by).update(what).digest('hex')}`;

  it('fits when any of its values is by any of the secrets', () => {
    const header = `${sign('another-secret-0123', body)},${sign(secret, body)}`;
    expect(isSignedByPagerDuty(header, body, ['old-secret-0123456', secret])).toBe(true);
  });

  it('does not fit another body, another secret, another version or nothing', () => {
    expect(isSignedByPagerDuty(sign(secret, Buffer.from('{}')), body, [secret])).toBe(false);
    expect(isSignedByPagerDuty(sign('another-secret-0123', body), body, [secret])).toBe(false);
    expect(isSignedByPagerDuty(sign(secret, body).replace('v1', 'v2'), body, [secret])).toBe(false);
    expect(isSignedByPagerDuty('', body, [secret])).toBe(false);
    expect(isSignedByPagerDuty(sign(secret, body), body, [])).toBe(false);
  });
});
