import { defineEventType } from '@lazarus/core';
import type { EventType } from '@lazarus/core';
import { z } from 'zod';

/** A Datadog monitor alerts and its tags name no other type. */
export const DatadogAlert = defineEventType({
  name: 'DatadogAlert',
  summary: 'A Datadog monitor alerts.',
  attributes: z.looseObject({
    monitor_id: z.string().optional(),
    transition: z.string().optional(),
    alert_type: z.string().optional(),
    scope: z.string().optional(),
    priority: z.string().optional(),
    link: z.string().optional(),
    tags: z.record(z.string(), z.string()).optional(),
  }),
});

/** An instance stops or ends, for whatever reason. */
export const Ec2InstanceStateChange = defineEventType({
  name: 'EC2InstanceStateChange',
  summary: 'EC2 says that an instance stops or ends.',
  attributes: z.looseObject({ state: z.string().optional() }),
});

/** Somebody or something opened an incident at PagerDuty that no other sensor reports. */
export const PagerDutyIncident = defineEventType({
  name: 'PagerDutyIncident',
  summary: 'An incident was opened at PagerDuty.',
  attributes: z.looseObject({
    page_id: z.string().optional(),
    urgency: z.string().optional(),
    link: z.string().optional(),
  }),
});

/** The types that adapters make besides the built-in ones: register them where events are read. */
export const ADAPTER_EVENT_TYPES: readonly EventType[] = Object.freeze([
  DatadogAlert,
  Ec2InstanceStateChange,
  PagerDutyIncident,
]);
