/**
 * The decision about one event, read from top to bottom: fifteen gates in the order of the ladder. Every doubt (an
 * error, a timeout, missing data, disagreement) ends in an exit that wakes a person.
 *
 * Invariants kept here:
 * S1: the decision id is fixed before anything is changed, and every change carries it.
 * S2: nothing after the ballot happens without a quorum.
 * S9: stale, future-dated and superseded events leave before a rule is looked at.
 * S10: the page is acknowledged only after the decision is durable.
 * S13: in a dry walk `effects` is absent, so there is nothing to call.
 * S15: one snapshot per event.
 *
 * Not here: what each gate asks and how its exits say no (gates/), how the record is written (write-record.ts), what
 * happens to the page of an event that was not acted on (settle-page.ts), and the run (WorkflowEngine). A gate that needs no
 * answer from outside is synchronous, and so is one whose answer is in memory: only what answers later is waited for.
 */
import { describeError } from '../errors/lazarus-error.ts';
import type { Answer } from '../ports/answer.ts';
import { isoTime } from '../time/iso-time.ts';
import { withinDeadline } from '../time/within-deadline.ts';
import type { Decision } from './decision.ts';
import { escalate } from './gate-outcome.ts';
import type { GateOutcome, Stopped } from './gate-outcome.ts';
import { acknowledge } from './gates/acknowledge.ts';
import { decode, firstSeen, fresh } from './gates/arrival.ts';
import { ballot } from './gates/ballot.ts';
import { budget } from './gates/budget.ts';
import { coalesce } from './gates/coalesce.ts';
import { lock } from './gates/lock.ts';
import { matchRule, paused } from './gates/rule.ts';
import { run } from './gates/run.ts';
import { holdDown, observe, regionBreaker, serviceLimit } from './gates/storm.ts';
import { LADDER } from './ladder.ts';
import type { GateId } from './ladder.ts';
import { remainingMs } from './walk.ts';
import type { Walk } from './walk.ts';
import { gateRecord } from './write-record.ts';

/** What a gate may take beyond the deadline of its event before it counts as broken. */
const BACKSTOP_MS = 10_000;
/** The longest deadline that a rule can have. */
const LONGEST_DECISION_MS = 600_000;

/** One gate of the ladder. */
type Gate = (walk: Walk) => Answer<GateOutcome>;

/** The gates by their id; the order is the ladder's. */
const GATES: Readonly<Record<GateId, Gate>> = {
  decode,
  fresh,
  first_seen: firstSeen,
  observe,
  coalesce,
  match_rule: matchRule,
  paused,
  hold_down: holdDown,
  region_breaker: regionBreaker,
  service_limit: serviceLimit,
  lock,
  ballot,
  budget,
  acknowledge,
  run,
};

/** Walks the ladder and returns what was decided. Never rejects: a bug is a reason to escalate, too. */
export async function decide(walk: Walk): Promise<Decision> {
  const { clock } = walk.reads;
  const { atMs, monotonicMs } = walk.received;
  let startedMs = clock.monotonic();
  for (const rung of LADDER) {
    // The wall clock is read once per event: the instants of a record are in order even when it jumps.
    const at = isoTime(atMs + Math.round(startedMs - monotonicMs));
    let outcome: GateOutcome;
    try {
      const answer = GATES[rung.id](walk);
      outcome = answer instanceof Promise ? await inTime(walk, rung.id, answer) : answer;
    } catch (error) {
      outcome = broken(walk, rung.id, error);
    }
    const endedMs = clock.monotonic();
    walk.gates.push(gateRecord(rung, outcome, at, endedMs - startedMs));
    startedMs = endedMs;
    const decision = outcome.verdict === 'fail' ? outcome.decision : outcome.done;
    if (decision === undefined) continue;
    walk.isOver = true;
    return inMode(walk, decision);
  }
  walk.isOver = true;
  return { kind: 'escalate', reason: 'invariant_broken', detail: 'the ladder ended without a decision' };
}

/**
 * Waits for a gate, but not for ever: whatever hangs inside of one ends here. It is a backstop behind the bounds that gates
 * have of their own, so it leaves them their time and a little more. Keeps L3.
 */
function inTime(walk: Walk, gate: GateId, answer: Promise<GateOutcome>): Answer<GateOutcome> {
  // Another event may wait for its own storm to show itself; it is bounded by its own gates.
  const leftMs = gate === 'coalesce' ? LONGEST_DECISION_MS : remainingMs(walk);
  return withinDeadline(walk.reads.clock, leftMs + BACKSTOP_MS, undefined, () => answer);
}

/** A gate failed itself, which is a reason to wake somebody, too. */
function broken(walk: Walk, gate: GateId, error: unknown): Stopped {
  const detail = describeError(error);
  walk.reads.log.error('a gate failed; escalating', { gate, event_id: walk.eventId, error: detail });
  return escalate('invariant_broken', `gate ${gate} failed: ${detail}`);
}

/** In mode `notify` the same ladder ends in a note of what it would have done. */
function inMode(walk: Walk, decision: Decision): Decision {
  if (walk.rule?.mode !== 'notify') return decision;
  if (decision.kind !== 'remediate' && decision.kind !== 'escalate') return decision;
  const detail =
    decision.kind === 'remediate'
      ? `rule ${walk.rule.name} is in mode notify`
      : `${decision.reason}: ${decision.detail}`;
  return { kind: 'notify_only', reason: 'mode', detail, would: decision.kind };
}
