import { z } from 'zod';
import { defineEventType } from './event-type.ts';
import type { EventType } from './event-type.ts';

const stateType = z.enum(['SOFT', 'HARD']);
const hostState = z.enum(['UP', 'DOWN', 'UNREACHABLE']);

/** Nagios changed its mind about a host. `HARD` is a state that survived all retries. */
export const NagiosHostAlarm = defineEventType({
  name: 'NagiosHostAlarm',
  summary: 'Nagios says that a host is down or unreachable.',
  attributes: z.looseObject({
    host_state: hostState.optional(),
    host_state_type: stateType.optional(),
    host_attempt: z.number().optional(),
    output: z.string().optional(),
  }),
});

/** Nagios changed its mind about one check of a host. */
export const NagiosServiceAlarm = defineEventType({
  name: 'NagiosServiceAlarm',
  summary: 'Nagios says that a check of a host fails.',
  attributes: z.looseObject({
    service_description: z.string().optional(),
    service_state: z.enum(['OK', 'WARNING', 'CRITICAL', 'UNKNOWN']).optional(),
    service_state_type: stateType.optional(),
    service_attempt: z.number().optional(),
    host_state: hostState.optional(),
    host_state_type: stateType.optional(),
    output: z.string().optional(),
  }),
});

/**
 * A host's healthcheck endpoint failed several times in a row. Both spellings of the Lazarus post are understood.
 *
 * @remarks Source: the Lazarus post writes HealthcheckDown for the event and HealthCheckDown for the precondition.
 */
export const HealthcheckDown = defineEventType({
  name: 'HealthcheckDown',
  aliases: ['HealthCheckDown'],
  summary: 'The healthcheck endpoint of a host failed several times in a row.',
  attributes: z.looseObject({
    failures: z.number().optional(),
    url: z.string().optional(),
    status: z.union([z.number(), z.string()]).optional(),
    zone: z.string().optional(),
  }),
});

/** The provider announced maintenance or retirement of a host. */
export const AWSScheduledEvent = defineEventType({
  name: 'AWSScheduledEvent',
  summary: 'AWS announced maintenance or retirement of an instance.',
  attributes: z.looseObject({
    event_type_code: z.string().optional(),
    event_arn: z.string().optional(),
    communication_id: z.string().optional(),
    start_time: z.string().optional(),
    end_time: z.string().optional(),
  }),
});

/** An auto scaling group launches or ends an instance and asks for a lifecycle action. */
export const AutoScalingEvent = defineEventType({
  name: 'AutoScalingEvent',
  summary: 'An auto scaling group launches or ends an instance.',
  attributes: z.looseObject({
    group: z.string().optional(),
    transition: z.string().optional(),
    lifecycle_hook: z.string().optional(),
    lifecycle_action_token: z.string().optional(),
  }),
});

/** Somebody, or something, asks for more or fewer hosts of a service. */
export const ScaleRequest = defineEventType({
  name: 'ScaleRequest',
  summary: 'A person or a scaler asks for more or fewer hosts of a service.',
  attributes: z.looseObject({
    direction: z.enum(['out', 'in']).optional(),
    count: z.int().positive().optional(),
  }),
});

/** The event types that come with Lazarus. */
export const BUILT_IN_EVENT_TYPES: readonly EventType[] = Object.freeze([
  NagiosHostAlarm,
  NagiosServiceAlarm,
  HealthcheckDown,
  AWSScheduledEvent,
  AutoScalingEvent,
  ScaleRequest,
]);
