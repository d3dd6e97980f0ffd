import { z } from 'zod';
import { SecretSchema } from '../access/bearer-token.ts';
import { createHeaderAdmission, createSignedAdmission } from '../access/admission.ts';
import type { Admission } from '../access/admission.ts';
import type { Reading } from '../reading.ts';
import { AlertmanagerOptions, alertmanagerToEvents } from './alertmanager.ts';
import { DatadogOptions, datadogToEvents } from './datadog.ts';
import { EventBridgeOptions } from './event-bridge/envelope.ts';
import type { EntityOf } from './event-bridge/envelope.ts';
import { eventBridgeToEvents } from './event-bridge/event-bridge.ts';
import { PagerDutyOptions, isSignedByPagerDuty, pagerDutyToEvents } from './pagerduty-webhook.ts';

/** Tokens of an adapter: `Authorization: Bearer …` or `X-Lazarus-Token`. None: those of the intake apply. */
const tokens = z.array(SecretSchema).readonly().default([]);

/** Which adapters are there; one that is left out is not mounted. */
export const AdapterOptions = z.strictObject({
  /** `POST /v1/adapters/alertmanager` */
  alertmanager: AlertmanagerOptions.extend({ tokens }).optional(),
  /** `POST /v1/adapters/datadog` */
  datadog: DatadogOptions.extend({ tokens }).optional(),
  /** `POST /v1/adapters/eventbridge` */
  eventbridge: EventBridgeOptions.extend({ tokens }).optional(),
  /** `POST /v1/adapters/pagerduty`. Every request is signed, so the secrets of the subscriptions are required. */
  pagerduty: PagerDutyOptions.extend({ secrets: z.array(SecretSchema).min(1).readonly() }).optional(),
});

/** One adapter, ready to be mounted. */
export interface Adapter {
  readonly name: string;
  readonly summary: string;
  readonly admission: Admission;
  readonly read: (payload: unknown) => readonly Reading[];
}

/**
 * The adapters that are configured.
 *
 * @param fallback - Who may use an adapter that has no token of its own.
 */
export function createAdapters(
  options: z.output<typeof AdapterOptions>,
  fallback: Admission,
  entityOf: EntityOf | undefined,
): readonly Adapter[] {
  const { alertmanager, datadog, eventbridge, pagerduty } = options;
  const admissionOf = (own: readonly string[]): Admission =>
    own.length === 0 ? fallback : createHeaderAdmission(own);
  const adapters: Adapter[] = [];
  if (alertmanager !== undefined)
    adapters.push({
      name: 'alertmanager',
      summary: 'Webhook of Prometheus Alertmanager',
      admission: admissionOf(alertmanager.tokens),
      read: (payload) => alertmanagerToEvents(payload, alertmanager),
    });
  if (datadog !== undefined)
    adapters.push({
      name: 'datadog',
      summary: 'Webhook of Datadog',
      admission: admissionOf(datadog.tokens),
      read: (payload) => datadogToEvents(payload, datadog),
    });
  if (eventbridge !== undefined)
    adapters.push({
      name: 'eventbridge',
      summary: 'API destination of Amazon EventBridge',
      admission: admissionOf(eventbridge.tokens),
      read: (payload) => eventBridgeToEvents(payload, { ...eventbridge, entityOf }),
    });
  if (pagerduty !== undefined)
    adapters.push({
      name: 'pagerduty',
      summary: 'Webhook of PagerDuty, version 3',
      admission: createSignedAdmission('x-pagerduty-signature', (header, body) =>
        isSignedByPagerDuty(header, body, pagerduty.secrets),
      ),
      read: (payload) => pagerDutyToEvents(payload, pagerduty),
    });
  return adapters;
}
