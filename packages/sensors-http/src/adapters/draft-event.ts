import { parseEvent } from '@lazarus/core';
import type { Issue } from '@lazarus/core';
import { explainSchemaIssues } from '@lazarus/core/documents';
import { z } from 'zod';
import type { Reading } from '../reading.ts';

/** Parts of an event that a monitoring system may not know; what it says itself wins. */
export const EntityDefaults = z.strictObject({
  region: z.string().min(1).max(64).optional(),
  environment: z.string().min(1).max(64).optional(),
  account: z.string().min(1).max(64).optional(),
  service: z.string().min(1).max(128).optional(),
});

/** An event whose parts may be missing, as an adapter puts it together. */
export type DraftEvent = Readonly<Record<string, unknown>>;

/** A payload of the expected shape, or what is wrong with it. */
export type PayloadRead<T> =
  { readonly ok: true; readonly payload: T } | { readonly ok: false; readonly reading: Reading<never> };

/** Reads what a monitoring system sent; more than the schema names may be there, because such formats grow. */
export function readPayload<S extends z.ZodType>(schema: S, payload: unknown): PayloadRead<z.output<S>> {
  const parsed = schema.safeParse(payload);
  if (parsed.success) return { ok: true, payload: parsed.data };
  const issues = explainSchemaIssues(schema, payload, parsed.error.issues.slice(0, 20));
  const invalid = issues.map(({ path, message, hint }) => ({ path, message, ...(hint && { hint }) }));
  return { ok: false, reading: { invalid } };
}

/**
 * Makes a reading of a draft: an event when it is complete, otherwise issues that say where its sender has to add what is
 * missing.
 *
 * @param origins - Where the sender writes each part, for example `{ service: 'alerts[0].labels.service' }`.
 */
export function readDraft(draft: DraftEvent, origins: Readonly<Record<string, string>>): Reading<never> {
  const written = Object.fromEntries(Object.entries(draft).filter(([, value]) => value !== undefined));
  const parsed = parseEvent(written);
  if (parsed.ok) return { event: parsed.event };
  const placed = (issue: Issue): Issue => ({ ...issue, path: origins[issue.path] ?? issue.path });
  return { invalid: parsed.issues.map(placed) };
}

/** Text for people on one line of at most `max` characters; `undefined` when nothing is left. */
export function oneLine(text: string | undefined, max = 1024): string | undefined {
  const line = text?.replaceAll(/\p{Cc}+/gu, ' ').trim();
  if (line === undefined || line === '') return undefined;
  return line.slice(0, max).replace(/[\uD800-\uDBFF]$/, '');
}

/** Without the members that are `undefined`. */
export function present(values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}
