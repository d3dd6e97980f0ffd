/**
 * The exits of the ladder, in its order: what each says to people, and what it leaves behind as evidence. The evidence is
 * what `nearest-change.ts` is computed from, so it holds every number that decided.
 */
import type { RuleMatch } from '../config/snapshot.ts';
import { describeError } from '../errors/lazarus-error.ts';
import type { Issue } from '../errors/lazarus-error.ts';
import type { LazarusEvent } from '../events/event.ts';
import type { BudgetAnswer } from '../ports/budgets.ts';
import type { Host } from '../ports/fleet.ts';
import type { Lease, LockTarget } from '../ports/locks.ts';
import type { PageResult } from '../ports/pager.ts';
import type { Pause } from '../ports/pauses.ts';
import type { BallotResult } from '../ports/voters.ts';
import type { BreakerView, WindowView } from '../ports/windows.ts';
import type { RunView } from '../ports/workflow-engine.ts';
import type { ClaimOutcome } from './claims.ts';
import type { EffectiveRule } from '../config/snapshot.ts';
import { failingChecks } from './failing-checks.ts';
import { escalate, suppress } from './gate-outcome.ts';
import type { Evidence, Stopped } from './gate-outcome.ts';
import type { GateId } from './ladder.ts';
import type { DecisionRecord } from './record.ts';

/** `9.3 s`, `300 s` */
export function seconds(ms: number): string {
  if (ms >= 10_000) return `${Math.round(ms / 1000)} s`;
  const tenths = Math.round(ms / 100);
  return `${Math.trunc(tenths / 10)}.${tenths % 10} s`;
}

/** The first characters of an id, as people quote it. */
export const short = (id: string): string => id.slice(0, 12);

/** Any gate: it failed itself, which is a reason to wake somebody, too. */
export function invariantBroken(gate: GateId, error: unknown): Stopped {
  return escalate('invariant_broken', `gate ${gate} failed: ${describeError(error)}`);
}

/** 1: not an event. */
export function invalid(issues: readonly Issue[]): Stopped {
  const detail = issues.map((issue) => `${issue.path} ${issue.message}`).join('; ');
  return escalate('invalid', `not a valid event: ${detail}`, { issues });
}

/** 1: an event of somebody else's region. */
export function otherRegion(region: string, mine: string): Stopped {
  return escalate('invalid', `the event is about region ${region}, this is ${mine}`, { region, mine });
}

/** 2: too old to act on. */
export function stale(ageMs: number, staleAfterMs: number, evidence: Evidence): Stopped {
  return suppress('stale', `${seconds(ageMs)} old, the limit is ${seconds(staleAfterMs)}`, evidence);
}

/** 2: dated in the future. */
export function futureDated(aheadMs: number, evidence: Evidence): Stopped {
  return escalate('future_dated', `dated ${seconds(aheadMs)} in the future`, evidence);
}

/** 3: its record is written already. */
export function duplicate(earlier: DecisionRecord): Stopped {
  return suppress('duplicate', `this event already ended: ${earlier.decision.kind}`, {
    event_id: earlier.event_id,
    decided_at: earlier.decided_at,
    decision: earlier.decision.kind,
  });
}

/** 5: the same event, delivered twice at once. */
export function deliveredTwice(eventId: string): Stopped {
  return suppress('duplicate', 'this event was delivered twice at the same time', { event_id: eventId });
}

/** 4: nothing is known about storms. */
export function windowsUnavailable(error: unknown): Stopped {
  const detail = describeError(error);
  return escalate('windows_unavailable', `counts are unknown, which counts as open: ${detail}`, {
    error: detail,
  });
}

/** 5: another event about the entity was decided first. */
export function attachedToEvent({ eventId, decision }: ClaimOutcome, entity: string): Stopped {
  const detail = `event ${eventId} about ${entity} was decided first: ${decision.kind}`;
  const evidence = { event_id: eventId, entity, decision: decision.kind };
  const runId = 'run_id' in decision ? decision.run_id : undefined;
  return suppress('attached', detail, evidence, { attachedTo: eventId, runId });
}

/** 5 and 11: a run is about this very host. */
export function attachedToRun(runId: string, detail: string, evidence: Evidence = {}): Stopped {
  return suppress('attached', detail, { run_id: runId, ...evidence }, { runId });
}

/** 5: nobody acts on what is not in service, and no run says why it is not. */
export function goneAlready(target: Host): Stopped {
  const what = target.lifecycle === 'forensics' ? 'kept for examination' : 'gone';
  const evidence = { host: target.name, lifecycle: target.lifecycle, state: target.state };
  return suppress('superseded', `${target.name} is ${what}`, evidence);
}

/** 5: an earlier run has dealt with this incarnation. */
export function supersededBy(last: RunView, target: Host): Stopped {
  const detail = `run ${short(last.run_id)} already dealt with ${target.name} (${last.status})`;
  const evidence = {
    host: target.name,
    lifecycle: target.lifecycle,
    run_status: last.status,
    run_ended_at: last.ended_at ?? null,
  };
  return suppress('superseded', detail, evidence, { runId: last.run_id });
}

/** 6: there is no configuration. */
export function noConfig(): Stopped {
  return escalate('no_config', 'there is no valid configuration yet: observing only');
}

/** 6: nothing matches. */
export function noRule(match: Extract<RuleMatch, { matched: false }>): Stopped {
  const nearest = match.nearest.map(({ rule, because }) => `${rule}: ${because}`);
  return escalate('no_rule', 'no rule matches this event', { nearest });
}

/** 6: switched off. */
export function modeOff(rule: EffectiveRule, service: string, evidence: Evidence): Stopped {
  return escalate('mode_off', `rule ${rule.name} is switched off for ${service}`, {
    ...evidence,
    mode_from: rule.provenance['mode']?.from ?? null,
  });
}

/** 6: the rule alerts and does nothing else. */
export function notifyOnlyRule(rule: EffectiveRule, evidence: Evidence): Stopped {
  const detail = `rule ${rule.name} alerts without remediation`;
  return {
    verdict: 'fail',
    exit: 'notify_only_rule',
    reason: detail,
    evidence,
    decision: { kind: 'notify_only', reason: 'rule', detail },
  };
}

/** 7: somebody paused this. */
export function paused(pause: Pause): Stopped {
  const until = pause.until === undefined ? 'until it is lifted' : `until ${pause.until}`;
  return escalate('paused', `paused by ${pause.author} ${until}: ${pause.reason}`, { pause });
}

/** 7: whether somebody did is not known. */
export function pauseUnavailable(error: unknown): Stopped {
  const detail = describeError(error);
  return escalate('pause_unavailable', `the pause store did not answer: ${detail}`, { error: detail });
}

/** 9: the breaker is not closed. */
export function regionCircuitOpen(breaker: BreakerView, counted: Pick<WindowView, 'counted'> = {}): Stopped {
  const detail = `the circuit breaker of the region is ${breaker.state}: ${breaker.services} services are failing, ${breaker.maxServices} are allowed`;
  return escalate('region_circuit_open', detail, { ...breaker, ...counted });
}

/** 10: too many of the service are failing. */
export function serviceRateLimited(
  service: string,
  counts: { readonly entities: number; readonly max_entities: number; readonly window_ms: number } & Pick<
    WindowView,
    'counted'
  >,
  clearsInMs: number | undefined,
): Stopped {
  const detail = `${counts.entities} of ${service} failed within ${seconds(counts.window_ms)}, ${counts.max_entities} are allowed`;
  return escalate('service_rate_limited', detail, { ...counts, clears_in_ms: clearsInMs ?? null });
}

/** 11: which host is meant is not known. */
export function targetUnresolved(problem: string, event: LazarusEvent): Stopped {
  return escalate('target_unresolved', problem, { service: event.service, host: event.host ?? null });
}

/** 11: a host that must not be touched. */
export function targetProtected(target: Host): Stopped {
  const detail = target.isProtected
    ? `${target.name} is protected`
    : `${target.name} has not opted in at the provider`;
  const { name, managed, isProtected } = target;
  return escalate('target_protected', detail, { host: name, managed, protected: isProtected });
}

/** 11: somebody else's action has the lock. */
export function lockHeld(busy: { readonly heldBy: string; readonly by: LockTarget }): Stopped {
  const detail = `the ${busy.by.kind} lock is held by ${short(busy.heldBy)}`;
  return escalate('lock_held', detail, { held_by: busy.heldBy, lock: busy.by });
}

/** 11: whether somebody has it is not known. */
export function lockUnavailable(error: unknown): Stopped {
  const detail = describeError(error);
  return escalate('lock_unavailable', detail, { error: detail });
}

/** 12: not enough yes votes; `failing` tells a failed check from votes that did not come. */
export function ballotLost(result: BallotResult, evidence: Evidence): Stopped {
  const unmet = (result.unmet ?? []).map((line) => `; ${line}`).join('');
  const count = `${result.yes} of ${result.required} needed votes${unmet}`;
  if (result.outcome === 'timed_out') return escalate('quorum_timed_out', `${count} in time`, evidence);
  const failing = failingChecks(result);
  if (failing.length === 0) return escalate('quorum_not_reached', count, evidence);
  return escalate('precondition_failed', `${count}; ${failing.join('; ')}`, evidence);
}

/** 13: nothing left. */
export function budgetSpent(answer: Extract<BudgetAnswer, { granted: false }>): Stopped {
  const detail = `the ${answer.scope} has ${answer.used} of ${answer.max} (${answer.bound})`;
  return escalate('budget_spent', detail, { ...answer });
}

/** 13: unreadable means nothing left. Keeps S6. */
export function budgetUnavailable(error: unknown): Stopped {
  const detail = describeError(error);
  return escalate('budget_unavailable', detail, { error: detail });
}

/** 14 and 15: the lock that was taken is no longer ours. Keeps S4. */
export function lockLost({ target, signal }: Lease): Stopped {
  const why = signal.aborted ? `: ${describeError(signal.reason)}` : '';
  return escalate('lock_lost', `the ${target.kind} lock was lost before the run began${why}`, {
    lock: target,
  });
}

/** 14: the pager is about to escalate by itself. */
export function deadlinePassed(lateMs: number): Stopped {
  const detail = 'too late to acknowledge: the page escalates by itself';
  return escalate('deadline_passed', detail, { left_ms: 0, late_ms: lateMs });
}

/** 14: the page is not ours to take. */
export function pagerRefused(
  incidentKey: string,
  refusal: Extract<PageResult, { done: false }> | { readonly error: string },
): Stopped {
  if ('error' in refusal) {
    const detail = `the pager did not take the acknowledgement: ${refusal.error}`;
    return escalate('pager_refused', detail, { incident_key: incidentKey, error: refusal.error });
  }
  const { reason, page } = refusal;
  const status = page === undefined ? '' : ` (${page.status})`;
  return escalate('pager_refused', `page ${incidentKey}: ${reason.replaceAll('_', ' ')}${status}`, {
    incident_key: incidentKey,
    refused: reason,
    page_status: page?.status ?? null,
  });
}

/** 14: nothing is done without a durable record. Keeps S10. */
export function auditUnavailable(error: unknown): Stopped {
  const detail = describeError(error);
  return escalate('audit_unavailable', `nothing is done without a durable record: ${detail}`, {
    error: detail,
  });
}

/** 15: the engine did not take the run. */
export function runNotStarted(error: unknown): Stopped {
  const detail = describeError(error);
  return escalate('run_not_started', detail, { error: detail });
}

/** 15: the run of this decision is over; a run is never started twice. */
export function runIsOver(run: RunView): Stopped {
  const detail = `run ${short(run.run_id)} of this decision is over (${run.status})`;
  return escalate('run_not_started', detail, { run_id: run.run_id, run_status: run.status });
}
