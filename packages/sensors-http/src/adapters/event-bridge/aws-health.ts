import { z } from 'zod';
import type { Reading } from '../../reading.ts';
import { present, readDraft, readPayload } from '../draft-event.ts';
import { entityParts } from './instances.ts';
import type { EventBridgeEnvelope, EventBridgeIgnored, EventBridgeSettings } from './envelope.ts';

const text = z.string().min(1);

const DetailSchema = z.looseObject({
  eventArn: text,
  service: text,
  eventTypeCode: text,
  eventTypeCategory: text,
  eventScopeCode: text.optional(),
  communicationId: text.optional(),
  statusCode: text.optional(),
  eventRegion: text,
  // Written like `Thu, 01 Jan 2026 00:00:00 GMT`, and passed on as it is.
  startTime: text.optional(),
  endTime: text.optional(),
  affectedAccount: text.optional(),
  affectedEntities: z.array(z.looseObject({ entityValue: text, status: text.optional() })).default([]),
});

type Detail = z.output<typeof DetailSchema>;

/** Announcements that mean the end, a stop or a restart of an instance. @remarks Source: EC2 user guide, scheduled events. */
const CODE =
  /^AWS_EC2_(?:PERSISTENT_INSTANCE|INSTANCE|SYSTEM)_(?:RETIREMENT|REBOOT|STOP|TERMINATION|NETWORK|POWER)(?:_[A-Z]+)*$/;

const OVER = ['RESOLVED', 'UNIMPAIRED'];

/**
 * One event for each instance that AWS Health names. The copies that AWS sends to a backup region, and the pages of one
 * announcement, share the communication id, which makes the event id together with account and instance.
 */
export function awsHealthEvents(
  envelope: EventBridgeEnvelope,
  settings: EventBridgeSettings,
): readonly Reading<EventBridgeIgnored>[] {
  const read = readPayload(z.looseObject({ detail: DetailSchema }), envelope);
  if (!read.ok) return [read.reading];
  const { detail } = read.payload;
  const ignored = whyIgnored(detail);
  if (ignored !== undefined) return [ignored];
  return detail.affectedEntities.map((entity, index) => {
    if (OVER.includes(entity.status?.toUpperCase() ?? ''))
      return { ignored: 'closed', detail: `${entity.entityValue} is no longer affected` };
    return readEntity(envelope, detail, entity.entityValue, index, settings);
  });
}

function whyIgnored(
  detail: Detail,
): { readonly ignored: EventBridgeIgnored; readonly detail: string } | undefined {
  const { service, eventTypeCategory, eventTypeCode, eventScopeCode, statusCode, affectedEntities } = detail;
  if (service !== 'EC2' || eventTypeCategory !== 'scheduledChange' || !CODE.test(eventTypeCode))
    return { ignored: 'not_mapped', detail: `${eventTypeCode.slice(0, 120)} is no change of an instance` };
  if (statusCode === 'closed') return { ignored: 'closed', detail: `${eventTypeCode} is closed` };
  if (eventScopeCode === 'PUBLIC' || affectedEntities.length === 0)
    return { ignored: 'public', detail: `${eventTypeCode} names no instance` };
  return undefined;
}

function readEntity(
  envelope: EventBridgeEnvelope,
  detail: Detail,
  instanceId: string,
  index: number,
  settings: EventBridgeSettings,
): Reading<never> {
  const account = detail.affectedAccount ?? envelope.account;
  const { eventTypeCode, startTime } = detail;
  const draft = {
    id: `${detail.communicationId ?? detail.eventArn}/${account}/${instanceId}`,
    event_type: 'AWSScheduledEvent',
    source: 'aws.health',
    time: envelope.time,
    ...entityParts({ instanceId, account, region: detail.eventRegion }, settings),
    summary: `${eventTypeCode} for ${instanceId}${startTime === undefined ? '' : ` at ${startTime}`}`.slice(
      0,
      1024,
    ),
    attributes: present({
      event_type_code: eventTypeCode,
      event_arn: detail.eventArn,
      communication_id: detail.communicationId,
      start_time: startTime,
      end_time: detail.endTime,
    }),
  };
  return readDraft(draft, {
    host: `detail.affectedEntities[${index}].entityValue`,
    region: 'detail.eventRegion',
    account: 'detail.affectedAccount',
    time: 'time',
  });
}
