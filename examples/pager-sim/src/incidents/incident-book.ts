import { randomBytes } from 'node:crypto';
import { advance, nextDueMs, openIncident } from './incident.ts';
import type { Agent, EscalationTimes, Incident } from './incident.ts';

/** What opens an incident, by its key. */
export interface Alert {
  readonly key: string;
  readonly title: string;
  readonly urgency: Incident['urgency'];
  readonly details: Readonly<Record<string, unknown>>;
}

const LONGEST_TIMER_MS = 2_000_000_000;

/**
 * All incidents, kept up to date with the clock: time-outs happen when they are due, not when someone looks.
 *
 * Every change is on disk before the call returns.
 */
export class IncidentBook {
  #incidents: Incident[];
  readonly #times: EscalationTimes;
  readonly #save: (incidents: readonly Incident[]) => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    incidents: readonly Incident[],
    times: EscalationTimes,
    save: (incidents: readonly Incident[]) => void,
  ) {
    this.#incidents = [...incidents];
    this.#times = times;
    this.#save = save;
    this.#catchUp();
  }

  /** Oldest first. */
  list(): readonly Incident[] {
    this.#catchUp();
    return this.#incidents;
  }

  /** By id, or by key when one of that key is open. */
  find(idOrKey: string): Incident | undefined {
    return this.list().find((incident) => incident.id === idOrKey) ?? this.open(idOrKey);
  }

  /** The incident of this key that is not resolved; there is at most one. */
  open(key: string): Incident | undefined {
    return this.list().find((incident) => incident.key === key && incident.status !== 'resolved');
  }

  add(alert: Alert, by: Agent): Incident {
    const id = `Q${randomBytes(8).toString('hex').toUpperCase().slice(0, 13)}`;
    const incident = openIncident({ ...alert, id, number: this.#incidents.length + 1 }, by, Date.now());
    this.#commit([...this.#incidents, incident]);
    return incident;
  }

  /** Replaces incidents by what they became, all at once. */
  replace(changed: readonly Incident[]): void {
    const byId = new Map(changed.map((incident) => [incident.id, incident]));
    this.#commit(this.#incidents.map((incident) => byId.get(incident.id) ?? incident));
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #catchUp(): void {
    const nowMs = Date.now();
    const advanced = this.#incidents.map((incident) => advance(incident, this.#times, nowMs));
    if (advanced.some((incident, index) => incident !== this.#incidents[index])) this.#commit(advanced);
    else this.#schedule();
  }

  #commit(incidents: Incident[]): void {
    this.#save(incidents);
    this.#incidents = incidents;
    this.#schedule();
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    const due = this.#incidents.flatMap((incident) => nextDueMs(incident, this.#times) ?? []);
    if (due.length === 0) return;
    const waitMs = Math.min(Math.max(0, Math.min(...due) - Date.now()), LONGEST_TIMER_MS);
    this.#timer = setTimeout(() => this.#catchUp(), waitMs);
  }
}
