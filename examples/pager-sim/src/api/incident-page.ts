import { assigneeOf } from '../incidents/incident.ts';
import type { Incident } from '../incidents/incident.ts';

/** The list that a person reads at `GET /`: newest first, with what happened to each. */
export function incidentPage(incidents: readonly Incident[]): string {
  const open = incidents.filter(({ status }) => status !== 'resolved').length;
  const heading = `${incidents.length} incidents, ${open} open\n`;
  return [heading, ...incidents.toReversed().map(incidentText)].join('\n');
}

function incidentText(incident: Incident): string {
  const owner =
    incident.status === 'resolved'
      ? ''
      : `, assigned to ${assigneeOf(incident)} (level ${incident.escalationLevel})`;
  const lines = incident.log.map(
    ({ atMs, summary }) => `    ${new Date(atMs).toISOString()}  ${printable(summary)}`,
  );
  return `#${incident.number} ${incident.status.toUpperCase()}${owner}  ${printable(incident.title)}\n    key ${printable(incident.key)}\n${lines.join('\n')}\n`;
}

/** What alerts say is text of others: no control characters reach a terminal. */
function printable(text: string): string {
  return text.replaceAll(/\p{C}/gu, ' ');
}
