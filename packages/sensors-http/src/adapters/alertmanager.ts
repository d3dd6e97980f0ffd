import { z } from 'zod';
import type { Reading } from '../reading.ts';
import { EntityDefaults, oneLine, present, readDraft, readPayload } from './draft-event.ts';

/** Options of {@link alertmanagerToEvents}. */
export const AlertmanagerOptions = EntityDefaults.extend({
  /** The source of the events; the same for all members of a cluster, which send the same alerts. */
  source: z.string().min(1).max(128).default('alertmanager'),
});

/** Why an alert deposits nothing. `truncated`: Alertmanager left alerts out of the message. */
export type AlertmanagerIgnored = 'resolved' | 'truncated';

const texts = z.record(z.string(), z.string());

const AlertSchema = z.looseObject({
  status: z.enum(['firing', 'resolved']),
  labels: texts,
  annotations: texts.default({}),
  startsAt: z.string(),
  generatorURL: z.string().optional(),
  fingerprint: z.string().min(1).max(64),
});

const WebhookSchema = z.looseObject({
  version: z.literal('4'),
  receiver: z.string().optional(),
  truncatedAlerts: z.number().default(0),
  alerts: z.array(AlertSchema),
});

/**
 * Reads a webhook of Prometheus Alertmanager, version 4: one event for each firing alert. The event id is made of
 * fingerprint and start, so the repeats of an alert and both members of a cluster make the same event.
 *
 * Labels say what the alert is about: `service`, `environment` (or `env`), `region`, `account`, `instance_id` or `host`,
 * `incident_key`, and `event_type`; without the last one the name of the alert is the type.
 *
 * @remarks Source: prometheus.io, Alerting, Configuration, `webhook_config`; recorded with Alertmanager 0.25.
 */
export function alertmanagerToEvents(
  payload: unknown,
  options: z.output<typeof AlertmanagerOptions>,
): readonly Reading<AlertmanagerIgnored>[] {
  const read = readPayload(WebhookSchema, payload);
  if (!read.ok) return [read.reading];
  const { alerts, truncatedAlerts } = read.payload;
  const readings = alerts.map((alert, index) => readAlert(alert, index, options));
  if (truncatedAlerts === 0) return readings;
  return [
    ...readings,
    { ignored: 'truncated', detail: `${truncatedAlerts} alerts were not in the message; raise max_alerts` },
  ];
}

function readAlert(
  alert: z.output<typeof AlertSchema>,
  index: number,
  { source, ...defaults }: z.output<typeof AlertmanagerOptions>,
): Reading<AlertmanagerIgnored> {
  const { labels, annotations, fingerprint, startsAt } = alert;
  const { alertname } = labels;
  if (alert.status === 'resolved')
    return { ignored: 'resolved', detail: `${alertname ?? fingerprint} is over` };
  const label = `alerts[${index}].labels`;
  const draft = {
    id: `${fingerprint}/${startsAt}`,
    event_type: labels['event_type'] ?? alertname,
    source,
    time: startsAt,
    region: labels['region'] ?? defaults.region,
    environment: labels['environment'] ?? labels['env'] ?? defaults.environment,
    account: labels['account'] ?? defaults.account,
    service: labels['service'] ?? defaults.service,
    host: labels['instance_id'] ?? labels['host'] ?? withoutPort(labels['instance']),
    incident_key: labels['incident_key'] ?? annotations['incident_key'],
    summary: oneLine(annotations['summary'] ?? annotations['description'] ?? alertname),
    attributes: present({ alertname, fingerprint, labels, generator_url: alert.generatorURL }),
  };
  return readDraft(draft, {
    region: `${label}.region`,
    environment: `${label}.environment`,
    account: `${label}.account`,
    service: `${label}.service`,
    event_type: `${label}.event_type`,
    host: `${label}.host`,
    incident_key: `${label}.incident_key`,
    time: `alerts[${index}].startsAt`,
  });
}

/** `web-1` of `web-1:9100`; Prometheus names targets like this. */
function withoutPort(instance: string | undefined): string | undefined {
  return instance?.replace(/:\d{1,5}$/, '');
}
