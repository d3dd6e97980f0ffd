import { assigneeOf } from '../incidents/incident.ts';
import type { Incident, LogEntry, Note } from '../incidents/incident.ts';

const timeOf = (atMs: number): string => new Date(atMs).toISOString().replace(/\.\d{3}Z$/, 'Z');

function reference(type: string, id: string, summary: string): Record<string, string> {
  return { id, type, summary };
}

const userReference = (name: string): Record<string, string> =>
  reference('user_reference', `U-${name.toUpperCase().replaceAll(/[^A-Z0-9]/g, '-')}`, name);

/** An incident as the REST API writes it. */
export function incidentJson(incident: Incident, endpoint: string) {
  return {
    id: incident.id,
    type: 'incident',
    summary: `[#${incident.number}] ${incident.title}`,
    self: `${endpoint}/incidents/${incident.id}`,
    html_url: `${endpoint}/`,
    incident_number: incident.number,
    title: incident.title,
    created_at: timeOf(incident.createdAtMs),
    status: incident.status,
    incident_key: incident.key,
    urgency: incident.urgency,
    escalation_level: incident.escalationLevel,
    service: reference('service_reference', 'P-SERVICE', 'simulated service'),
    escalation_policy: reference('escalation_policy_reference', 'P-POLICY', 'lazarus, then on-call'),
    assignments:
      incident.status === 'resolved'
        ? []
        : [{ at: timeOf(incident.waitingSinceMs), assignee: userReference(assigneeOf(incident)) }],
    acknowledgements: incident.acknowledgedBy.map(({ name, atMs }) => ({
      at: timeOf(atMs),
      acknowledger: userReference(name),
    })),
    alert_counts: { all: incident.triggers, triggered: incident.triggers, resolved: 0 },
    last_status_change_at: timeOf(incident.statusSinceMs),
    resolved_at: incident.status === 'resolved' ? timeOf(incident.statusSinceMs) : null,
  };
}

/** The entries of an incident's log, newest first as the REST API lists them. */
export function logJson(incident: Incident) {
  return incident.log
    .map((entry, index) => logEntryJson(entry, `R-${incident.id}-${index + 1}`, incident))
    .toReversed();
}

function logEntryJson(entry: LogEntry, id: string, incident: Incident) {
  return {
    id,
    type: `${entry.type}_log_entry`,
    summary: entry.summary,
    created_at: new Date(entry.atMs).toISOString(),
    agent: userReference(entry.by.name),
    channel: { type: entry.by.channel },
    incident: reference('incident_reference', incident.id, incident.title),
  };
}

export function noteJson(note: Note) {
  return {
    id: note.id,
    user: userReference(note.by),
    channel: { summary: 'The PagerDuty website or APIs' },
    content: note.content,
    created_at: timeOf(note.atMs),
  };
}
