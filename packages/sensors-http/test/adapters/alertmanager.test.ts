import { AlertmanagerOptions, alertmanagerToEvents } from '@lazarus/sensors-http';
import { describe, expect, it } from 'vitest';
import { fixture, onlyEvent, outline } from './fixture.ts';

interface Webhook {
  version: string;
  truncatedAlerts: number;
  alerts: {
    status: string;
    labels: Record<string, string>;
    annotations: Record<string, string>;
    startsAt: string;
  }[];
}

const options = AlertmanagerOptions.parse({});

/** The recorded message with its first alert alone. */
function firing(change: (alert: Webhook['alerts'][number]) => void = () => {}): Webhook {
  const webhook = fixture('alertmanager') as unknown as Webhook;
  webhook.alerts.length = 1;
  change(webhook.alerts[0]!);
  return webhook;
}

describe('a webhook of Alertmanager', () => {
  it('becomes one event for each firing alert; resolved ones are ignored', () => {
    const readings = alertmanagerToEvents(fixture('alertmanager'), options);
    expect(outline(readings)).toEqual(['6827442e3d141177/2026-01-01T00:00:02.817Z', 'resolved']);
    expect(readings[0]).toEqual({
      event: {
        id: '6827442e3d141177/2026-01-01T00:00:02.817Z',
        event_type: 'HealthcheckDown',
        source: 'alertmanager',
        time: '2026-01-01T00:00:02.817Z',
        region: 'us-east-1',
        environment: 'prod',
        service: 'web',
        host: 'i-0abc',
        incident_key: 'web/web-1',
        summary: 'web-1 does not answer',
        attributes: {
          alertname: 'HealthcheckDown',
          fingerprint: '6827442e3d141177',
          generator_url: 'http://prometheus.invalid/graph?g0.expr=up+%3D%3D+0&g0.tab=1',
          labels: firing().alerts[0]?.labels,
        },
      },
    });
  });

  it('that is repeated makes the same id, and a new one when the alert fires again', () => {
    const first = onlyEvent(alertmanagerToEvents(firing(), options)).id;
    expect(onlyEvent(alertmanagerToEvents(firing(), options)).id).toBe(first);
    const again = firing((alert) => (alert.startsAt = '2026-01-01T01:00:00Z'));
    expect(onlyEvent(alertmanagerToEvents(again, options)).id).not.toBe(first);
  });

  it('names the host by instance id, then host, then instance without its port', () => {
    const hosts = [['instance_id'], ['instance_id', 'host']].map((without) => {
      const webhook = firing(({ labels }) =>
        without.forEach((label) => Reflect.deleteProperty(labels, label)),
      );
      return onlyEvent(alertmanagerToEvents(webhook, options)).host;
    });
    expect(hosts).toEqual(['web-1', '127.0.0.1']);
  });

  it('takes the type from the label event_type before the name of the alert', () => {
    const webhook = firing(({ labels }) => (labels['event_type'] = 'ScaleRequest'));
    expect(onlyEvent(alertmanagerToEvents(webhook, options)).event_type).toBe('ScaleRequest');
  });

  it('without region or service takes the defaults, or names the labels to add', () => {
    const webhook = firing(({ labels }) => {
      Reflect.deleteProperty(labels, 'region');
      Reflect.deleteProperty(labels, 'service');
    });
    const defaults = AlertmanagerOptions.parse({ region: 'eu-west-1', service: 'api' });
    expect(onlyEvent(alertmanagerToEvents(webhook, defaults))).toMatchObject({
      region: 'eu-west-1',
      service: 'api',
    });
    expect(outline(alertmanagerToEvents(webhook, options))).toEqual([
      ['alerts[0].labels.region', 'alerts[0].labels.service'],
    ]);
  });

  it('says when alerts were left out of the message', () => {
    const webhook = { ...firing(), truncatedAlerts: 3 };
    expect(outline(alertmanagerToEvents(webhook, options))).toEqual([expect.any(String), 'truncated']);
  });

  it.each([
    ['another version', { ...firing(), version: '3' }, 'version'],
    ['no alerts', { version: '4' }, 'alerts'],
    [
      'a label that is no text',
      { ...firing(), alerts: [{ ...firing().alerts[0], labels: { a: 1 } }] },
      'alerts[0].labels.a',
    ],
    ['a list', [], ''],
  ])('with %s is invalid', (_title, payload, path) => {
    expect(outline(alertmanagerToEvents(payload, options))).toEqual([[path]]);
  });
});
