/**
 * CloudEvents 1.0: the envelope gives id, source, type and time, and `data` gives the rest of an event (region,
 * environment, service, host, …). Structured mode carries the envelope in the body, binary mode in `ce-*` headers.
 */
import type { Issue } from '@lazarus/core';
import { explainSchemaIssues } from '@lazarus/core/documents';
import { z } from 'zod';

/** Media types of structured mode: one event, and a list of them. */
export const CLOUD_EVENT_TYPES = {
  one: 'application/cloudevents+json',
  batch: 'application/cloudevents-batch+json',
} as const;

/** An event as it was sent, not judged yet, and how its parts are called where they were sent. */
export interface Candidate {
  readonly payload: unknown;
  /** Where a sender finds the part of the event that an issue names. @defaultValue the same path */
  readonly pathOf?: (path: string) => string;
}

/** Reading of a CloudEvent. */
export type CloudEventReading = { readonly candidate: Candidate } | { readonly invalid: readonly Issue[] };

const attribute = z.string().min(1);

/** Other attributes are extensions, which a receiver must let pass. */
const CloudEventSchema = z.looseObject({
  specversion: z.literal('1.0'),
  id: attribute,
  source: attribute,
  type: attribute,
  time: attribute.optional(),
  datacontenttype: z
    .string()
    .regex(/^application\/(?:[\w.+-]+\+)?json(?:\s*;.*)?$/i, 'expected JSON data')
    .optional(),
  data_base64: z.undefined('found base64 data, expected JSON in data').optional(),
  data: z.record(z.string(), z.unknown()),
});

/** Members that `data` leaves to the envelope. */
const ENVELOPE_MEMBERS = ['id', 'source', 'event_type', 'time'];

/**
 * Reads one CloudEvent in structured form.
 *
 * @param nowMs - Wall time, for an event without `time`, milliseconds since 1970.
 */
export function readCloudEvent(envelope: unknown, nowMs: number): CloudEventReading {
  const parsed = CloudEventSchema.safeParse(envelope);
  if (!parsed.success) {
    const issues = explainSchemaIssues(CloudEventSchema, envelope, parsed.error.issues);
    return { invalid: issues.map(({ path, message, hint }) => ({ path, message, ...(hint && { hint }) })) };
  }
  const { id, source, type, time, data } = parsed.data;
  const twice = ENVELOPE_MEMBERS.filter((member) => Object.hasOwn(data, member));
  if (twice.length > 0) {
    const message = 'is given by the envelope; leave it out of data';
    return { invalid: twice.map((member) => ({ path: `data.${member}`, message })) };
  }
  const payload = { ...data, id, source, event_type: type, time: time ?? new Date(nowMs).toISOString() };
  return { candidate: { payload, pathOf: pathInCloudEvent } };
}

/** True for a request in binary mode. */
export function isBinaryCloudEvent(headers: Headers): boolean {
  return headers.has('ce-specversion');
}

/** The structured form of a request in binary mode. Header values are percent-encoded. */
export function binaryEnvelope(headers: Headers, data: unknown): Readonly<Record<string, unknown>> {
  const attributes: Record<string, unknown> = { data };
  for (const [name, value] of headers) {
    if (name.startsWith('ce-') && name.length > 3) attributes[name.slice(3)] = percentDecoded(value);
  }
  return attributes;
}

function percentDecoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

function pathInCloudEvent(path: string): string {
  if (path === 'event_type') return 'type';
  const [head = ''] = path.split(/[.[]/, 1);
  return head === '' || ENVELOPE_MEMBERS.includes(head) ? path : `data.${path}`;
}
