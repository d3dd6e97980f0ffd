import { PortError } from '@lazarus/core';
import type { Page } from '@lazarus/core/ports';
import { z } from 'zod';

const Reference = z.object({ id: z.string().nullish(), summary: z.string().nullish() });

/** The part of an incident that matters here; everything else may change at the service. */
const Incident = z.object({
  id: z.string(),
  status: z.enum(['triggered', 'acknowledged', 'resolved']),
  incident_key: z.string().nullish(),
  created_at: z.string().nullish(),
  /** Not part of every answer. */
  escalation_level: z.number().int().nullish(),
  assignments: z.array(z.object({ assignee: Reference })).default([]),
  acknowledgements: z.array(z.object({ acknowledger: Reference })).default([]),
});

/** An incident, as the service describes it. */
export type Incident = z.output<typeof Incident>;

const One = z.object({ incident: Incident });
const Many = z.object({ incidents: z.array(Incident) });

function parse<S extends z.ZodType>(schema: S, body: unknown): z.output<S> {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const where = parsed.error.issues[0]?.path.join('.') ?? '';
  throw new PortError({
    code: 'LZ_PAGER_UNAVAILABLE',
    message: `pager: the answer is no incident (at "${where}"); an untouched page escalates by itself`,
    retryable: true,
    cause: parsed.error,
  });
}

/** @throws PortError `LZ_PAGER_UNAVAILABLE` for anything else. */
export function parseIncident(body: unknown): Incident {
  return parse(One, body).incident;
}

/** @throws PortError `LZ_PAGER_UNAVAILABLE` for anything else. */
export function parseIncidents(body: unknown): readonly Incident[] {
  return parse(Many, body).incidents;
}

/** Tells Lazarus from people. */
export type IsLazarus = (user: {
  readonly id?: string | null | undefined;
  readonly summary?: string | null | undefined;
}) => boolean;

/**
 * Reads an incident as a page. A page is a person's when somebody else acknowledged it, when it stands on a higher level,
 * or when it was given to somebody else. A user who is not named counts as a person: then automation stops.
 */
export function toPage(incident: Incident, incidentKey: string, isLazarus: IsLazarus): Page {
  const isGivenAway =
    incident.assignments.length > 0 && !incident.assignments.some(({ assignee }) => isLazarus(assignee));
  const isAcknowledgedByOther = incident.acknowledgements.some(
    ({ acknowledger }) => !isLazarus(acknowledger),
  );
  const escalationLevel = incident.escalation_level ?? (isGivenAway ? 2 : 1);
  return {
    incidentKey,
    pageId: incident.id,
    status: incident.status,
    escalationLevel,
    takenByHuman:
      incident.status !== 'resolved' && (escalationLevel > 1 || isGivenAway || isAcknowledgedByOther),
  };
}
