import type { Issue } from '@lazarus/core';
import { type Read, mediaTypeOf, readJson, refuseBody } from './body.ts';
import { CLOUD_EVENT_TYPES, binaryEnvelope, isBinaryCloudEvent, readCloudEvent } from './cloud-event.ts';
import type { Candidate, CloudEventReading } from './cloud-event.ts';

/** What a request carries: events that are not judged yet. */
export interface Candidates {
  readonly items: readonly (Candidate | { readonly invalid: readonly Issue[] })[];
  /** Whether a list was sent; issues then say which of its items is meant. */
  readonly isList: boolean;
}

/** True when this endpoint can read such a body at all; asked before the body is read. */
export function isReadable(headers: Headers): boolean {
  const mediaType = mediaTypeOf(headers);
  return ['application/json', CLOUD_EVENT_TYPES.one, CLOUD_EVENT_TYPES.batch].includes(mediaType);
}

/**
 * Takes a body apart: one event or a list, plain or as CloudEvents in structured, batched or binary mode.
 *
 * @param nowMs - Wall time, for CloudEvents without `time`, milliseconds since 1970.
 */
export function readCandidates(headers: Headers, body: Uint8Array, nowMs: number): Read<Candidates> {
  const json = readJson(body);
  if (!json.ok) return json;
  const { value } = json;
  const mediaType = mediaTypeOf(headers);
  if (mediaType === CLOUD_EVENT_TYPES.batch) {
    if (!Array.isArray(value)) return refuseBody([{ path: '', message: 'is no list of CloudEvents' }]);
    return list(value.map((item) => itemOf(readCloudEvent(item, nowMs))));
  }
  if (mediaType === CLOUD_EVENT_TYPES.one) return one(itemOf(readCloudEvent(value, nowMs)));
  if (isBinaryCloudEvent(headers)) return one(itemOf(readCloudEvent(binaryEnvelope(headers, value), nowMs)));
  if (Array.isArray(value)) return list(value.map((payload: unknown) => ({ payload })));
  return one({ payload: value });
}

type Item = Candidates['items'][number];

function one(item: Item): Read<Candidates> {
  return { ok: true, value: { items: [item], isList: false } };
}

function list(items: readonly Item[]): Read<Candidates> {
  if (items.length === 0) return refuseBody([{ path: '', message: 'found an empty list, expected events' }]);
  return { ok: true, value: { items, isList: true } };
}

function itemOf(reading: CloudEventReading): Item {
  return 'candidate' in reading ? reading.candidate : reading;
}
