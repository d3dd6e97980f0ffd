import { z } from 'zod';

/** Most bytes of one event on the wire. */
export const MAX_EVENT_BYTES = 262_144;

const name = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    .regex(/^[^\p{Cc}]+$/u, 'control characters are not allowed');

/**
 * A failure event: what a sensor said about a host or a service. It is a hint about where to look; what is true is read
 * from the provider and from healthchecks.
 *
 * @remarks Source: design, section 6; the incident key and the event types are those of the Lazarus post.
 */
export const EventSchema = z.strictObject({
  /** Unique per source; the canonical id is `source` and `id` together. */
  id: name(256),
  /** `NagiosHostAlarm`, `HealthcheckDown`, … (open registry). */
  event_type: name(128),
  /** Who says so: `nagios`, `cli`, `healthcheck-sensor/a`. */
  source: name(256),
  /** When it happened, ISO 8601 with offset. */
  time: z.iso.datetime({
    offset: true,
    error: 'expected an ISO 8601 time with offset, such as 2026-01-31T12:00:00Z',
  }),
  region: name(64),
  environment: name(64),
  account: name(64).optional(),
  service: name(128),
  /** Provider id or name of the host; absent for events about a service as a whole. */
  host: name(256).optional(),
  /** Correlates with the page that the sensor opened. */
  incident_key: name(255).optional(),
  summary: z.string().max(1024).optional(),
  attributes: z.record(z.string().max(128), z.json()).default({}),
});

/** A valid event. Field names are those of the wire. */
export type LazarusEvent = z.output<typeof EventSchema>;

/** An event as senders write it (`attributes` may be absent). */
export type LazarusEventInput = z.input<typeof EventSchema>;

/** The id under which an event is counted and recorded: two sources may use the same id. */
export function canonicalEventId(event: Pick<LazarusEvent, 'source' | 'id'>): string {
  return `${event.source}/${event.id}`;
}
