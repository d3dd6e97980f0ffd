/**
 * One incident as a state machine: `(incident, what happened, nowMs) → incident`.
 *
 * triggered ──acknowledge──▶ acknowledged ──resolve──▶ resolved
 *     ▲  └──nobody for escalateAfterMs──▶ triggered, next level
 *     └──the acknowledgement ran out, or somebody escalated──┘
 *
 * Acknowledging a resolved incident reopens it, as the real service does.
 */

export type IncidentStatus = 'triggered' | 'acknowledged' | 'resolved';

/** Who did something and by which way. */
export interface Agent {
  readonly name: string;
  readonly channel: 'api' | 'events' | 'timeout' | 'human';
}

export interface LogEntry {
  readonly type: 'trigger' | 'acknowledge' | 'unacknowledge' | 'escalate' | 'resolve' | 'reopen' | 'annotate';
  readonly atMs: number;
  readonly by: Agent;
  readonly summary: string;
}

export interface Note {
  readonly id: string;
  readonly atMs: number;
  readonly by: string;
  readonly content: string;
}

export interface Incident {
  readonly id: string;
  readonly number: number;
  readonly key: string;
  readonly title: string;
  readonly urgency: 'high' | 'low';
  readonly details: Readonly<Record<string, unknown>>;
  readonly status: IncidentStatus;
  readonly escalationLevel: number;
  readonly createdAtMs: number;
  readonly statusSinceMs: number;
  /** When the incident came to its present assignee, or back to triggered; the escalation clock runs from here. */
  readonly waitingSinceMs: number;
  readonly acknowledgedBy: readonly { readonly name: string; readonly atMs: number }[];
  readonly triggers: number;
  readonly notes: readonly Note[];
  readonly log: readonly LogEntry[];
}

export interface EscalationTimes {
  readonly escalateAfterMs: number;
  readonly acknowledgementTimeoutMs: number;
}

/** The escalation policy: Lazarus first, then people. */
export const LEVELS = ['lazarus', 'on-call'] as const;
export const HIGHEST_LEVEL = LEVELS.length;

const TIMER: Agent = { name: 'escalation policy', channel: 'timeout' };

/** Who is paged at a level. */
export function assigneeOf(incident: Incident): string {
  return LEVELS[incident.escalationLevel - 1] ?? LEVELS[0];
}

type Opening = Pick<Incident, 'id' | 'number' | 'key' | 'title' | 'urgency' | 'details'>;

export function openIncident(opening: Opening, by: Agent, nowMs: number): Incident {
  return {
    ...opening,
    status: 'triggered',
    escalationLevel: 1,
    createdAtMs: nowMs,
    statusSinceMs: nowMs,
    waitingSinceMs: nowMs,
    acknowledgedBy: [],
    triggers: 1,
    notes: [],
    log: [{ type: 'trigger', atMs: nowMs, by, summary: `Triggered by ${by.name}; assigned to ${LEVELS[0]}` }],
  };
}

/** The same alert again: it is counted, and nothing else changes. */
export function triggerAgain(incident: Incident, by: Agent, nowMs: number): Incident {
  const counted = { ...incident, triggers: incident.triggers + 1 };
  return logged(counted, 'trigger', by, nowMs, `Triggered again by ${by.name}`);
}

/** Acknowledges, renews an acknowledgement, or reopens what was resolved. */
export function acknowledge(incident: Incident, by: Agent, nowMs: number): Incident {
  const reopened =
    incident.status === 'resolved'
      ? logged(incident, 'reopen', by, nowMs, `Reopened by ${by.name}`)
      : incident;
  const acknowledged: Incident = {
    ...reopened,
    status: 'acknowledged',
    statusSinceMs: nowMs,
    acknowledgedBy: [{ name: by.name, atMs: nowMs }],
  };
  return logged(acknowledged, 'acknowledge', by, nowMs, `Acknowledged by ${by.name}`);
}

/** Resolving twice changes nothing. */
export function resolve(incident: Incident, by: Agent, nowMs: number): Incident {
  if (incident.status === 'resolved') return incident;
  const resolved: Incident = { ...incident, status: 'resolved', statusSinceMs: nowMs, acknowledgedBy: [] };
  return logged(resolved, 'resolve', by, nowMs, `Resolved by ${by.name}`);
}

/** Hands the incident to a level; its people are paged, so an acknowledgement of before no longer counts. */
export function escalate(incident: Incident, level: number, by: Agent, nowMs: number): Incident {
  const escalated: Incident = {
    ...incident,
    status: 'triggered',
    escalationLevel: level,
    statusSinceMs: nowMs,
    waitingSinceMs: nowMs,
    acknowledgedBy: [],
  };
  const summary = `Escalated to ${assigneeOf(escalated)} (level ${level}) by ${by.name}`;
  return logged(escalated, 'escalate', by, nowMs, summary);
}

export function annotate(incident: Incident, note: Note, by: Agent): Incident {
  const noted = { ...incident, notes: [...incident.notes, note] };
  return logged(noted, 'annotate', by, note.atMs, `Note by ${by.name}: ${note.content}`);
}

/** When time alone changes the incident next; undefined when it does not. */
export function nextDueMs(incident: Incident, times: EscalationTimes): number | undefined {
  if (incident.status === 'acknowledged') return incident.statusSinceMs + times.acknowledgementTimeoutMs;
  if (incident.status === 'triggered' && incident.escalationLevel < HIGHEST_LEVEL) {
    return incident.waitingSinceMs + times.escalateAfterMs;
  }
  return undefined;
}

/**
 * What time alone did to the incident until `nowMs`, each change at the moment it was due, so that a pager that
 * was down for a while catches up to where it would be.
 */
export function advance(incident: Incident, times: EscalationTimes, nowMs: number): Incident {
  const dueMs = nextDueMs(incident, times);
  if (dueMs === undefined || dueMs > nowMs) return incident;
  if (incident.status === 'triggered') {
    return advance(escalate(incident, incident.escalationLevel + 1, TIMER, dueMs), times, nowMs);
  }
  const waiting: Incident = {
    ...incident,
    status: 'triggered',
    statusSinceMs: dueMs,
    waitingSinceMs: dueMs,
    acknowledgedBy: [],
  };
  return advance(
    logged(waiting, 'unacknowledge', TIMER, dueMs, 'The acknowledgement timed out'),
    times,
    nowMs,
  );
}

function logged(
  incident: Incident,
  type: LogEntry['type'],
  by: Agent,
  atMs: number,
  summary: string,
): Incident {
  return { ...incident, log: [...incident.log, { type, atMs, by, summary }] };
}
