import { createHmac, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { signaturesIn } from '../access/request-signature.ts';
import type { Reading } from '../reading.ts';
import { oneLine, present, readDraft, readPayload } from './draft-event.ts';

/** Options of {@link pagerDutyToEvents}. */
export const PagerDutyOptions = z.strictObject({
  /**
   * PagerDuty services whose new incidents become events, by their id, and what they are about. List only services whose
   * incidents no other sensor reports: a page that a sensor opened would come back as a second event about it.
   */
  services: z.record(
    z.string(),
    z.strictObject({
      service: z.string().min(1).max(128),
      region: z.string().min(1).max(64),
      environment: z.string().min(1).max(64),
      account: z.string().min(1).max(64).optional(),
    }),
  ),
});

/** Why a webhook deposits nothing. `not_triggered`: it is not about a new incident. */
export type PagerDutyIgnored = 'not_triggered' | 'service_not_listed';

const text = z.string().min(1);

const WebhookSchema = z.looseObject({
  event: z.looseObject({
    id: text,
    event_type: text,
    occurred_at: text,
    data: z.looseObject({}),
  }),
});

const IncidentSchema = z.looseObject({
  event: z.looseObject({
    data: z.looseObject({
      id: text,
      incident_key: text.nullish(),
      title: z.string().nullish(),
      urgency: z.string().nullish(),
      html_url: z.string().nullish(),
      service: z.looseObject({ id: text }),
    }),
  }),
});

/**
 * Reads a webhook of PagerDuty, version 3. Signatures carry no time, so what keeps a replay from doing harm is the event
 * id, which is PagerDuty's own.
 *
 * @remarks Source: PagerDuty developer documentation, Webhooks v3.
 */
export function pagerDutyToEvents(
  payload: unknown,
  { services }: z.output<typeof PagerDutyOptions>,
): readonly Reading<PagerDutyIgnored>[] {
  const read = readPayload(WebhookSchema, payload);
  if (!read.ok) return [read.reading];
  const { event } = read.payload;
  if (event.event_type !== 'incident.triggered')
    return [{ ignored: 'not_triggered', detail: `it is ${JSON.stringify(event.event_type.slice(0, 60))}` }];
  const incident = readPayload(IncidentSchema, payload);
  if (!incident.ok) return [incident.reading];
  const { data } = incident.payload.event;
  const entity = Object.hasOwn(services, data.service.id) ? services[data.service.id] : undefined;
  if (entity === undefined)
    return [
      { ignored: 'service_not_listed', detail: `service ${JSON.stringify(data.service.id.slice(0, 60))}` },
    ];
  const draft = {
    id: event.id,
    event_type: 'PagerDutyIncident',
    source: 'pagerduty',
    time: event.occurred_at,
    ...entity,
    incident_key: data.incident_key ?? undefined,
    summary: oneLine(data.title ?? undefined),
    attributes: present({
      page_id: data.id,
      urgency: data.urgency ?? undefined,
      link: data.html_url ?? undefined,
    }),
  };
  return [
    readDraft(draft, { id: 'event.id', time: 'event.occurred_at', incident_key: 'event.data.incident_key' }),
  ];
}

/**
 * Checks `X-PagerDuty-Signature`: one of its `v1=` values is the HMAC-SHA256 of the body by one of the secrets. Takes the same
 * time whichever matches. Keeps S18.
 */
export function isSignedByPagerDuty(header: string, body: Uint8Array, secrets: readonly string[]): boolean {
  const given = signaturesIn(header);
  let matches = 0;
  for (const secret of secrets) {
    const expected = createHmac('sha256', secret).update(body).digest();
    for (const candidate of given) matches += timingSafeEqual(expected, candidate) ? 1 : 0;
  }
  return matches > 0;
}
