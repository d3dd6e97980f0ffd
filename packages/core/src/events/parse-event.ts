import { describeFound, formatPath } from '../documents/document-path.ts';
import { explainSchemaIssues } from '../documents/schema-issues.ts';
import { didYouMean } from '../documents/suggest.ts';
import type { Issue } from '../errors/lazarus-error.ts';
import { surelyFits } from './attribute-check.ts';
import { findBoundsProblem } from './event-bounds.ts';
import { BUILT_IN_TYPES } from './event-types.ts';
import type { EventTypes } from './event-types.ts';
import { EventSchema } from './event.ts';
import type { LazarusEvent } from './event.ts';
import type { EventType } from './event-type.ts';
import { readEnvelope } from './fast-envelope.ts';

/** Outcome of {@link parseEvent}. A malformed event is a value: it gets a decision record like any other. */
export type EventParse =
  | { readonly ok: true; readonly event: LazarusEvent }
  | {
      readonly ok: false;
      readonly issues: readonly Issue[];
      /** The page that the payload names all the same, so that it can be escalated. */
      readonly incidentKey?: string;
    };

/** Options of {@link parseEvent}. */
export interface ParseEventOptions {
  /** @defaultValue the built-in types */
  readonly types?: EventTypes;
  /**
   * Refuse events of a type that is not registered. Otherwise they pass, and match only a rule that asks for their type.
   *
   * @defaultValue false
   */
  readonly knownTypesOnly?: boolean;
}

/** Most issues of one event that are reported. */
const MAX_ISSUES = 20;

/**
 * Reads an event from a decoded JSON value: strict envelope, bounded size and depth, attributes by the schema of its type,
 * canonical spelling of the type.
 *
 * @example
 * ```ts
 * const parsed = parseEvent(JSON.parse(text));
 * if (!parsed.ok) return refuse(parsed.issues);
 * ```
 */
export function parseEvent(payload: unknown, options: ParseEventOptions = {}): EventParse {
  const event = readEnvelope(payload);
  return event === undefined ? parseSlowly(payload, options) : applyType(event, payload, options);
}

/** The bounds first: the schema walks the payload recursively. */
function parseSlowly(payload: unknown, options: ParseEventOptions): EventParse {
  const problem = findBoundsProblem(payload);
  if (problem !== undefined)
    return refuse(payload, [{ path: formatPath(problem.path), message: problem.message }]);
  const event = readBySchema(payload);
  return 'issues' in event ? refuse(payload, event.issues) : applyType(event, payload, options);
}

function readBySchema(payload: unknown): LazarusEvent | { readonly issues: readonly Issue[] } {
  const parsed = EventSchema.safeParse(payload);
  if (parsed.success) return parsed.data;
  return { issues: explained(EventSchema, payload, parsed.error.issues) };
}

function explained(...[schema, root, issues]: Parameters<typeof explainSchemaIssues>): readonly Issue[] {
  return explainSchemaIssues(schema, root, issues.slice(0, MAX_ISSUES)).map(({ path, message, hint }) => ({
    path,
    message,
    ...(hint === undefined ? {} : { hint }),
  }));
}

function applyType(event: LazarusEvent, payload: unknown, options: ParseEventOptions): EventParse {
  const types = options.types ?? BUILT_IN_TYPES;
  const type = types.find(event.event_type);
  if (type === undefined) {
    if (options.knownTypesOnly !== true) return { ok: true, event };
    const hint = didYouMean(event.event_type, types.names) ?? `known: ${types.names.join(', ')}`;
    const message = `found ${describeFound(event.event_type)}, which is no known event type`;
    return refuse(payload, [{ path: 'event_type', message, hint }]);
  }
  const named = type.name === event.event_type ? event : { ...event, event_type: type.name };
  return surelyFits(type, event.attributes) ? { ok: true, event: named } : applySchema(type, named, payload);
}

function applySchema(type: EventType, event: LazarusEvent, payload: unknown): EventParse {
  const parsed = type.attributes.safeParse(event.attributes);
  if (parsed.success) {
    return { ok: true, event: { ...event, attributes: parsed.data as LazarusEvent['attributes'] } };
  }
  const issues = explained(type.attributes, event.attributes, parsed.error.issues);
  return refuse(
    payload,
    issues.map((issue) => ({
      ...issue,
      path: issue.path.startsWith('[') ? `attributes${issue.path}` : `attributes.${issue.path}`,
    })),
  );
}

function refuse(payload: unknown, issues: readonly Issue[]): EventParse {
  const incidentKey = namedPage(payload);
  return {
    ok: false,
    issues: issues.slice(0, MAX_ISSUES),
    ...(incidentKey === undefined ? {} : { incidentKey }),
  };
}

/** The incident key of a payload that is otherwise broken. */
function namedPage(payload: unknown): string | undefined {
  if (typeof payload !== 'object' || payload === null || !Object.hasOwn(payload, 'incident_key'))
    return undefined;
  const key = EventSchema.shape.incident_key.safeParse((payload as { incident_key: unknown }).incident_key);
  return key.success ? key.data : undefined;
}
