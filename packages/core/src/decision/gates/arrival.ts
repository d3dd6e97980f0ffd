/** Gates 1 to 3: is it an event, is it recent, and is it the first with its id? */
import { canonicalEventId } from '../../events/event.ts';
import { parseEvent } from '../../events/parse-event.ts';
import type { Issue } from '../../errors/lazarus-error.ts';
import type { Answer } from '../../ports/answer.ts';
import type { AuditLog } from '../../ports/audit-log.ts';
import { whenAnswered } from '../../time/answered.ts';
import { escalate, pass, suppress } from '../gate-outcome.ts';
import type { Evidence, GateOutcome, Stopped } from '../gate-outcome.ts';
import { seconds } from '../phrases.ts';
import type { DecisionRecord } from '../record.ts';
import { known } from '../walk.ts';
import type { Walk } from '../walk.ts';

const DEFAULT_STALE_AFTER_MS = 300_000;

/** Gate 1. */
export function decode(walk: Walk): GateOutcome {
  const parsed = parseEvent(walk.received.payload);
  if (!parsed.ok) {
    walk.namedPage = parsed.incidentKey;
    return invalid(parsed.issues);
  }
  const { event } = parsed;
  walk.event = event;
  walk.eventAtMs = Date.parse(event.time);
  walk.eventId = canonicalEventId(event);
  walk.namedPage = event.incident_key;
  const { region } = walk.settings;
  if (event.region !== region)
    return escalate('invalid', `the event is about region ${event.region}, this is ${region}`, {
      region: event.region,
      mine: region,
    });
  return pass(`${event.event_type} from ${event.source}`, { event_type: event.event_type });
}

function invalid(issues: readonly Issue[]): Stopped {
  const detail = issues.map((issue) => `${issue.path} ${issue.message}`).join('; ');
  return escalate('invalid', `not a valid event: ${detail}`, { issues });
}

/** Gate 2. Keeps S9. */
export function fresh(walk: Walk): Answer<GateOutcome> {
  const event = known(walk.event);
  const ageMs = walk.received.atMs - walk.eventAtMs;
  // Matching is pure and cheap, and a rule may allow less age, or more, than the type of its events.
  walk.match = walk.snapshot?.match(event);
  const staleAfterMs =
    walk.match?.matched === true
      ? walk.match.rule.staleAfterMs
      : (walk.snapshot?.staleAfterMs(event.event_type) ?? DEFAULT_STALE_AFTER_MS);
  const { maxSkewMs } = walk.settings;
  const evidence = { age_ms: ageMs, stale_after_ms: staleAfterMs, max_skew_ms: maxSkewMs };
  if (ageMs > staleAfterMs) return staleUnlessBegun(walk, ageMs, staleAfterMs, evidence);
  if (ageMs < -maxSkewMs) return escalate('future_dated', `dated ${seconds(-ageMs)} in the future`, evidence);
  return pass(`${seconds(Math.max(0, ageMs))} old`, evidence);
}

async function staleUnlessBegun(
  walk: Walk,
  ageMs: number,
  staleAfterMs: number,
  evidence: Evidence,
): Promise<GateOutcome> {
  const begun = await begunRun(walk, await walk.reads.audit.byEvent(walk.eventId));
  return begun === undefined
    ? suppress('stale', `${seconds(ageMs)} old, the limit is ${seconds(staleAfterMs)}`, evidence)
    : pass(`${seconds(ageMs)} old, but its run was begun in time`, evidence);
}

/** Gate 3. Keeps S11 and S12. */
export function firstSeen(walk: Walk): Answer<GateOutcome> {
  return whenAnswered(walk.reads.audit.byEvent(walk.eventId), (earlier) => {
    if (earlier === undefined) return pass('not seen before', { redelivered: false });
    return earlier.terminal ? duplicate(earlier.record) : seenAgain(walk, earlier);
  });
}

/** S12: an intent without a terminal record means that a node died here; the run, if it exists, is the truth. */
async function seenAgain(walk: Walk, earlier: Earlier): Promise<GateOutcome> {
  const begun = await begunRun(walk, earlier);
  if (begun === undefined) return pass('delivered again; it was not finished', { redelivered: true });
  walk.resumes = begun;
  return { ...pass('resumed: its run exists', { redelivered: true }), done: begun.decision };
}

/** What the audit log knows of an event. */
export type Earlier = NonNullable<Awaited<ReturnType<AuditLog['byEvent']>>>;

/** The record of this event's intent, when its run exists. Keeps S12. */
export async function begunRun(
  walk: Walk,
  earlier: Earlier | undefined,
): Promise<DecisionRecord | undefined> {
  if (earlier === undefined || earlier.terminal || earlier.record.decision.kind !== 'remediate')
    return undefined;
  const run = await walk.reads.engine.get(earlier.record.decision.run_id);
  return run === undefined ? undefined : earlier.record;
}

function duplicate({ event_id, decided_at, decision }: DecisionRecord): Stopped {
  return suppress('duplicate', `this event already ended: ${decision.kind}`, {
    event_id,
    decided_at,
    decision: decision.kind,
  });
}
