import { z } from 'zod';
import type { Reading } from '../reading.ts';
import { EntityDefaults, oneLine, present, readDraft, readPayload } from './draft-event.ts';

/** Options of {@link datadogToEvents}. */
export const DatadogOptions = EntityDefaults.extend({
  source: z.string().min(1).max(128).default('datadog'),
  /** Type of events whose monitor has no tag `event_type`. */
  eventType: z.string().min(1).max(128).default('DatadogAlert'),
});

/**
 * Why a notification deposits nothing. `no_data` says that Datadog does not know, which is no failure; `test` is a
 * notification whose variables were not filled in.
 */
export type DatadogIgnored = 'recovery' | 'warning' | 'no_data' | 'test';

/**
 * The payload to configure in Datadog (Integrations, Webhooks, Payload). Give the monitor the tags `service:…`, `env:…` and
 * `region:…`, and send the token of the adapter as a custom header: Datadog signs nothing.
 *
 * @remarks Source: docs.datadoghq.com, Integrations, Webhooks (variables).
 */
export const DATADOG_TEMPLATE = JSON.stringify(
  {
    id: '$ID',
    alert_id: '$ALERT_ID',
    cycle: '$ALERT_CYCLE_KEY',
    aggreg_key: '$AGGREG_KEY',
    transition: '$ALERT_TRANSITION',
    type: '$ALERT_TYPE',
    status: '$ALERT_STATUS',
    scope: '$ALERT_SCOPE',
    host: '$HOSTNAME',
    tags: '$TAGS',
    title: '$EVENT_TITLE',
    priority: '$PRIORITY',
    date: '$DATE',
    org: '$ORG_ID',
    link: '$LINK',
  },
  null,
  2,
);

/** A variable of the template: text, or a number where somebody left the quotes out. */
const variable = z.union([z.string(), z.number()]).transform(String).optional();

const NotificationSchema = z.looseObject({
  alert_id: variable,
  cycle: variable,
  aggreg_key: variable,
  transition: variable,
  type: variable,
  scope: variable,
  host: variable,
  tags: variable,
  title: variable,
  priority: variable,
  date: variable,
  link: variable,
});

type Notification = z.output<typeof NotificationSchema>;

const ALERTING = ['Triggered', 'Re-Triggered', 'Renotify'];
const IGNORED: Readonly<Record<string, DatadogIgnored>> = {
  Recovered: 'recovery',
  'Warn Recovered': 'recovery',
  'No Data Recovered': 'recovery',
  Warn: 'warning',
  'Re-Warn': 'warning',
  'No Data': 'no_data',
  'Re-No Data': 'no_data',
};

/**
 * Reads a notification made of {@link DATADOG_TEMPLATE}. The event id is made of monitor, alert cycle, group and host, so
 * that everything from the alert to its recovery is one event.
 */
export function datadogToEvents(
  payload: unknown,
  options: z.output<typeof DatadogOptions>,
): readonly Reading<DatadogIgnored>[] {
  const read = readPayload(NotificationSchema, payload);
  if (!read.ok) return [read.reading];
  const notification = filledIn(read.payload);
  const { transition } = notification;
  if (transition === undefined || notification.cycle === undefined)
    return [{ ignored: 'test', detail: 'the alert cycle or the transition was not filled in' }];
  const ignored = IGNORED[transition];
  if (ignored !== undefined) return [{ ignored, detail: `the transition is ${transition}` }];
  if (!ALERTING.includes(transition)) {
    const found = JSON.stringify(transition.slice(0, 60));
    return [
      { invalid: [{ path: 'transition', message: `found ${found}, expected ${ALERTING.join(', ')}` }] },
    ];
  }
  return [readNotification(notification, options)];
}

function readNotification(
  notification: Notification,
  { source, eventType, ...defaults }: z.output<typeof DatadogOptions>,
): Reading<never> {
  const { alert_id: monitor, cycle, aggreg_key: group, scope, host, title } = notification;
  const tags = readTags(notification.tags ?? '');
  const draft = {
    id: [monitor, cycle, group, host].filter((part) => part !== undefined).join('/'),
    event_type: tags['event_type'] ?? eventType,
    source,
    time: timeOf(notification.date),
    region: tags['region'] ?? defaults.region,
    environment: tags['environment'] ?? tags['env'] ?? defaults.environment,
    account: tags['account'] ?? tags['aws_account'] ?? defaults.account,
    service: tags['service'] ?? defaults.service,
    host: tags['instance_id'] ?? host ?? tags['host'],
    incident_key: tags['incident_key'],
    summary: oneLine(title),
    attributes: present({
      monitor_id: monitor,
      transition: notification.transition,
      alert_type: notification.type,
      scope,
      priority: notification.priority,
      link: notification.link,
      tags,
    }),
  };
  return readDraft(draft, {
    region: 'tags.region',
    environment: 'tags.env',
    account: 'tags.account',
    service: 'tags.service',
    event_type: 'tags.event_type',
    incident_key: 'tags.incident_key',
    time: 'date',
  });
}

/** Without the variables that Datadog left empty, or as they stand in the template. */
function filledIn(notification: Notification): Notification {
  const filled = ([, value]: [string, unknown]): boolean =>
    value !== '' && !(typeof value === 'string' && /^\$[A-Z_]+$/.test(value));
  return Object.fromEntries(Object.entries(notification).filter(filled));
}

/** `service:web,env:prod` as a mapping; the first of several tags with one name counts. */
function readTags(list: string): Readonly<Record<string, string>> {
  const tags = new Map<string, string>();
  for (const tag of list.split(',', 200)) {
    const colon = tag.indexOf(':');
    const name = tag.slice(0, Math.max(0, colon)).trim();
    const value = tag.slice(colon + 1).trim();
    if (name !== '' && name !== '__proto__' && value !== '' && !tags.has(name)) tags.set(name, value);
  }
  return Object.fromEntries(tags);
}

/** Seconds or milliseconds since 1970 as ISO 8601; anything else as it is, to be refused. */
function timeOf(date: string | undefined): string | undefined {
  if (date === undefined || !/^\d{9,14}$/.test(date)) return date;
  return new Date(date.length > 11 ? Number(date) : Number(date) * 1000).toISOString();
}
