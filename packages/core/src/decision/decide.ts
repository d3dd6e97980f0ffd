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
 * Not here: what the exits say (exits.ts), how the record is written (write-record.ts), what happens to the page of an
 * event that was not acted on (settle-page.ts), and the run (WorkflowEngine). A gate that needs no answer from outside is
 * synchronous.
 */
import type { RolloutPlace } from '../config/snapshot.ts';
import { canonicalEventId } from '../events/event.ts';
import { parseEvent } from '../events/parse-event.ts';
import { describeError } from '../errors/lazarus-error.ts';
import type { LockTarget } from '../ports/locks.ts';
import type { PageResult } from '../ports/pager.ts';
import type { Windows, WindowView } from '../ports/windows.ts';
import type { RunView } from '../ports/workflow-engine.ts';
import { entityBound } from '../rate-limit/limiter.ts';
import { isoTime } from '../time/iso-time.ts';
import { withinDeadline } from '../time/within-deadline.ts';
import type { Claim } from './claims.ts';
import type { Decision } from './decision.ts';
import { decisionId } from './decision-id.ts';
import * as exits from './exits.ts';
import { seconds, short } from './exits.ts';
import { pass } from './gate-outcome.ts';
import type { GateOutcome, Stopped } from './gate-outcome.ts';
import { LADDER } from './ladder.ts';
import type { GateId } from './ladder.ts';
import type { DecisionRecord, PageRecord } from './record.ts';
import { entityOf, isDry, remainingMs, slackMs } from './walk.ts';
import type { Walk } from './walk.ts';
import { runRequest } from './run-request.ts';
import { gateRecord, recordOf } from './write-record.ts';

const DEFAULT_STALE_AFTER_MS = 300_000;
const HOLD_DOWN_LOOK_MS = 500;
const PAGE_RETRY_MS = 500;
/** What a gate may take beyond the deadline of its event before it counts as broken. */
const BACKSTOP_MS = 10_000;
/** The longest deadline that a rule can have. */
const LONGEST_DECISION_MS = 600_000;

/** One gate of the ladder. */
type Gate = (walk: Walk) => Promise<GateOutcome> | GateOutcome;

/** Walks the ladder and returns what was decided. Never rejects: a bug is a reason to escalate, too. */
export async function decide(walk: Walk): Promise<Decision> {
  const decision = await climb(walk);
  walk.isOver = true;
  return decision;
}

async function climb(walk: Walk): Promise<Decision> {
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
    if (outcome.verdict === 'fail') return inMode(walk, outcome.decision);
    if (outcome.done !== undefined) return inMode(walk, outcome.done);
  }
  return { kind: 'escalate', reason: 'invariant_broken', detail: 'the ladder ended without a decision' };
}

/**
 * Waits for a gate, but not for ever: whatever hangs inside of one ends here. It is a backstop behind the bounds that gates
 * have of their own, so it leaves them their time and a little more. Keeps L3.
 */
function inTime(walk: Walk, gate: GateId, answer: Promise<GateOutcome>): Promise<GateOutcome> {
  // Another event may wait for its own storm to show itself; it is bounded by its own gates.
  const leftMs = gate === 'coalesce' ? LONGEST_DECISION_MS : remainingMs(walk);
  return withinDeadline(walk.reads.clock, leftMs + BACKSTOP_MS, undefined, () => answer);
}

function broken(walk: Walk, gate: GateId, error: unknown): Stopped {
  const context = { gate, event_id: walk.eventId, error: describeError(error) };
  walk.reads.log.error('a gate failed; escalating', context);
  return exits.invariantBroken(gate, error);
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

// 1 ---------------------------------------------------------------------------------------------------------------
function decode(walk: Walk): GateOutcome {
  const parsed = parseEvent(walk.received.payload);
  if (!parsed.ok) {
    walk.namedPage = parsed.incidentKey;
    return exits.invalid(parsed.issues);
  }
  const { event } = parsed;
  walk.event = event;
  walk.eventAtMs = Date.parse(event.time);
  walk.eventId = canonicalEventId(event);
  walk.namedPage = event.incident_key;
  if (event.region !== walk.settings.region) return exits.otherRegion(event.region, walk.settings.region);
  return pass(`${event.event_type} from ${event.source}`, { event_type: event.event_type });
}

// 2 ---------------------------------------------------------------------------------------------------------------
function fresh(walk: Walk): GateOutcome | Promise<GateOutcome> {
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
  if (ageMs > staleAfterMs)
    return begunRun(walk).then((begun) =>
      begun === undefined
        ? exits.stale(ageMs, staleAfterMs, evidence)
        : pass(`${seconds(ageMs)} old, but its run was begun in time`, evidence),
    );
  if (ageMs < -maxSkewMs) return exits.futureDated(-ageMs, evidence);
  return pass(`${seconds(Math.max(0, ageMs))} old`, evidence);
}

/** The record of this event's intent, when its run exists. */
async function begunRun(walk: Walk): Promise<DecisionRecord | undefined> {
  const earlier = await walk.reads.audit.byEvent(walk.eventId);
  if (earlier === undefined || earlier.terminal || earlier.record.decision.kind !== 'remediate')
    return undefined;
  const run = await walk.reads.engine.get(earlier.record.decision.run_id);
  return run === undefined ? undefined : earlier.record;
}

// 3 ---------------------------------------------------------------------------------------------------------------
async function firstSeen(walk: Walk): Promise<GateOutcome> {
  const earlier = await walk.reads.audit.byEvent(walk.eventId);
  if (earlier === undefined) return pass('not seen before', { redelivered: false });
  if (earlier.terminal) return exits.duplicate(earlier.record);
  // S12: an intent without a terminal record means that a node died here; the run, if it exists, is the truth.
  if ((await begunRun(walk)) === undefined)
    return pass('delivered again; it was not finished', { redelivered: true });
  walk.resumes = earlier.record;
  return { ...pass('resumed: its run exists', { redelivered: true }), done: earlier.record.decision };
}

// 4 ---------------------------------------------------------------------------------------------------------------
async function observe(walk: Walk): Promise<GateOutcome> {
  const { region, service, host } = known(walk.event);
  if (host !== undefined) await findTarget(walk, service, host);
  try {
    const entity = entityOf(walk);
    const view = await walk.reads.windows.observe({ eventId: walk.eventId, region, service, entity });
    walk.view = view;
    const { entities, windowMs } = view;
    const { services } = view.breaker;
    return pass(`${entities} failing in ${service}, ${services} services in the region`, {
      entities,
      services,
      window_ms: windowMs,
      ...countedBy(view),
    });
  } catch (error) {
    return exits.windowsUnavailable(error);
  }
}

function findTarget(walk: Walk, service: string, host: string): Promise<void> {
  const { clock, fleet } = walk.reads;
  return withinDeadline(clock, walk.settings.fleetTimeoutMs, walk.signal, (call) =>
    fleet.find({ service, host }, call),
  ).then(
    (found) => {
      walk.target = found;
      if (found === undefined) walk.targetProblem = `the provider knows no single host ${host} in ${service}`;
    },
    (error: unknown) => {
      walk.targetProblem = `the provider did not answer: ${describeError(error)}`;
    },
  );
}

// 5 ---------------------------------------------------------------------------------------------------------------
function coalesce(walk: Walk): Promise<GateOutcome> {
  const { region, service } = known(walk.event);
  const entity = entityOf(walk);
  const key = `${region}/${service}/${entity}`;
  const claim = walk.reads.claims.claim(key, walk);
  return claim.mine ? notRemediated(walk, entity) : waitForClaim(walk, key, entity, claim);
}

async function waitForClaim(walk: Walk, key: string, entity: string, first: Claim): Promise<GateOutcome> {
  const { claims, audit } = walk.reads;
  for (let claim = first; !claim.mine; claim = claims.claim(key, walk)) {
    const ended = await claim.ended;
    if (claim.eventId === walk.eventId) {
      if ((await audit.byEvent(walk.eventId))?.terminal === true) return exits.deliveredTwice(walk.eventId);
    } else if (ended.decision.kind !== 'notify_only') {
      // S13: a note of what would have been done is nobody's outcome: this event walks on and makes its own.
      return exits.attachedToEvent(ended, entity);
    }
  }
  return notRemediated(walk, entity);
}

/** Passes unless a run is about the target, or was. */
async function notRemediated(walk: Walk, entity: string): Promise<GateOutcome> {
  const { target } = walk;
  const { audit, engine, locks } = walk.reads;
  if (target === undefined) return pass(`${entity} is not being remediated`, { entity });
  const held = await locks.inspect({ kind: 'host', service: target.service, host: target.hostId });
  const run = held === undefined ? undefined : await engine.get(held.heldBy);
  // Whichever kind of lock the rule takes: a run about this very host is what this alarm is about.
  if (run?.status === 'running' && run.host_id === target.hostId)
    return exits.attachedToRun(run.run_id, `run ${short(run.run_id)} is about ${target.name}`);
  const [last] = await audit.runsOf(target.incarnation.instanceId);
  const gone = target.lifecycle === 'forensics' || target.state === 'terminated';
  if (last === undefined)
    return gone ? exits.goneAlready(target) : pass(`${entity} is not being remediated`, { entity });
  const older = last.ended_at !== undefined && walk.eventAtMs <= Date.parse(last.ended_at);
  // A run that did not succeed was handed to a person: only a person starts again on this incarnation.
  const handedOver = last.status !== 'succeeded';
  // S9: what an earlier run has dealt with never acts again; its page follows that run.
  if (gone || older || handedOver) return exits.supersededBy(last, target);
  return pass(`${entity} is not being remediated`, { entity });
}

// 6 ---------------------------------------------------------------------------------------------------------------
function matchRule(walk: Walk): GateOutcome {
  if (walk.snapshot === undefined) return exits.noConfig();
  const match = known(walk.match);
  if (!match.matched) return exits.noRule(match);
  const { rule } = match;
  walk.rule = rule;
  const { why, others, rollout } = match;
  const evidence = {
    rule: rule.name,
    mode: rule.mode,
    why,
    others,
    ...(rollout === undefined ? {} : { rollout }),
  };
  if (rule.mode === 'off') return exits.modeOff(rule, known(walk.event).service, evidence);
  if (rule.action === 'notify_only') return exits.notifyOnlyRule(rule, evidence);
  return pass(
    `${rule.name} (${rule.mode})${rollout === undefined ? '' : `, ${describePlace(rollout)}`}`,
    evidence,
  );
}

function describePlace({ profile, hasEdit, wave, waves, status }: RolloutPlace): string {
  const which = hasEdit ? 'with' : 'without yet';
  return `${which} the edit of profile ${profile} (wave ${wave} of ${waves}, ${status.replace('_', ' ')})`;
}

// 7 ---------------------------------------------------------------------------------------------------------------
async function paused(walk: Walk): Promise<GateOutcome> {
  const { region, service } = known(walk.event);
  try {
    const pause = await walk.reads.pauses.active({ region, service });
    return pause === undefined ? pass('not paused') : exits.paused(pause);
  } catch (error) {
    // S14: unreachable counts as paused.
    return exits.pauseUnavailable(error);
  }
}

// 8 ---------------------------------------------------------------------------------------------------------------
function holdDown(walk: Walk): GateOutcome | Promise<GateOutcome> {
  const startedMs = walk.reads.clock.monotonic();
  const untilMs = walk.received.monotonicMs + known(walk.rule).holdDownMs;
  return startedMs < untilMs ? waitForStorm(walk, startedMs, untilMs) : heldDown(walk, 0);
}

async function waitForStorm(walk: Walk, startedMs: number, untilMs: number): Promise<GateOutcome> {
  const { clock, windows } = walk.reads;
  const { region, service } = known(walk.event);
  while (clock.monotonic() < untilMs && remainingMs(walk) > 0 && !isSuspended(walk)) {
    await clock.sleep(Math.min(HOLD_DOWN_LOOK_MS, untilMs - clock.monotonic()), { signal: walk.signal });
    walk.view = await windows.view({ region, service });
  }
  return heldDown(walk, clock.monotonic() - startedMs);
}

function heldDown(walk: Walk, waitedMs: number): GateOutcome {
  const evidence = { waited_ms: waitedMs, ended_early: isSuspended(walk) };
  return pass(`waited ${seconds(waitedMs)} for a storm to show itself`, evidence);
}

function isSuspended(walk: Walk): boolean {
  const view = known(walk.view);
  return view.breaker.state !== 'closed' || view.entities > known(walk.rule).limits.maxEntities;
}

// 9 ---------------------------------------------------------------------------------------------------------------
function regionBreaker(walk: Walk): GateOutcome {
  const view = known(walk.view);
  const { breaker } = view;
  if (breaker.state !== 'closed') return exits.regionCircuitOpen(breaker, countedBy(view));
  return pass(`closed: ${breaker.services} of at most ${breaker.maxServices} failing services`, {
    ...breaker,
    ...countedBy(view),
  });
}

/** What the shared view and the node's own counted, where there are two. */
const countedBy = ({ counted }: WindowView): Pick<WindowView, 'counted'> =>
  counted === undefined ? {} : { counted };

// 10 --------------------------------------------------------------------------------------------------------------
function serviceLimit(walk: Walk): GateOutcome | Promise<GateOutcome> {
  const { limits } = known(walk.rule);
  if (limits.maxEntitiesFraction === undefined) return withinLimit(walk, limits.maxEntities);
  return knownHosts(walk).then((hosts) => withinLimit(walk, entityBound(limits, hosts)));
}

function withinLimit(walk: Walk, bound: number): GateOutcome | Promise<GateOutcome> {
  const view = known(walk.view);
  const { entities, windowMs } = view;
  const { service } = known(walk.event);
  const counts = { entities, max_entities: bound, window_ms: windowMs, ...countedBy(view) };
  if (entities <= bound) return pass(`${entities} of at most ${bound} failing in ${service}`, counts);
  const limited = (clearsInMs?: number): GateOutcome => exits.serviceRateLimited(service, counts, clearsInMs);
  const clears = clearsInMs(walk, bound);
  return clears instanceof Promise ? clears.then(limited, () => limited()) : limited(clears);
}

/** How many hosts there are; `undefined` when the inventory is incomplete or late, which allows none to fail. Keeps S8. */
async function knownHosts(walk: Walk): Promise<number | undefined> {
  const { clock, fleet, log } = walk.reads;
  try {
    const list = await withinDeadline(clock, walk.settings.fleetTimeoutMs, walk.signal, (call) =>
      fleet.list(known(walk.event).service, call),
    );
    return list.complete ? list.hosts.length : undefined;
  } catch (error) {
    log.warn('how many hosts there are is not known; none may fail', { error: describeError(error) });
    return undefined;
  }
}

/** When the limit would let the service through again: for people, so that not knowing it changes nothing. */
function clearsInMs(walk: Walk, maxEntities: number): ReturnType<NonNullable<Windows['clearsInMs']>> {
  const { region, service } = known(walk.event);
  try {
    return walk.reads.windows.clearsInMs?.({ region, service }, maxEntities);
  } catch {
    return undefined;
  }
}

// 11 --------------------------------------------------------------------------------------------------------------
async function lock(walk: Walk): Promise<GateOutcome> {
  const event = known(walk.event);
  const rule = known(walk.rule);
  const { target } = walk;
  if (rule.lock.type === 'host' && target === undefined) {
    const problem = walk.targetProblem ?? `rule ${rule.name} needs a host and the event names none`;
    return exits.targetUnresolved(problem, event);
  }
  if (target !== undefined && (!target.managed || target.isProtected)) return exits.targetProtected(target);
  const attempt = await nextAttempt(walk);
  walk.decisionId = attempt.id;
  if (attempt.run !== undefined)
    return exits.attachedToRun(attempt.id, `run ${short(attempt.id)} is doing this already`);
  const wanted = lockTarget(walk);
  try {
    const busy = await takeLock(walk, wanted, attempt.id);
    if (busy === undefined)
      return pass(`${rule.lock.type} lock ${isDry(walk) ? 'is free' : 'acquired'}`, { target: wanted });
    // The page can only share the fate of a run that is about the same host.
    const sameHost = busy.by.kind === 'host' && wanted.kind === 'host' && busy.by.host === wanted.host;
    const holder = await walk.reads.engine.get(busy.heldBy);
    const hasEnded = holder !== undefined && holder.status !== 'running';
    if (rule.lock.onBusy !== 'attach' || !sameHost || hasEnded) return exits.lockHeld(busy);
    const evidence = { held_by: busy.heldBy, lock: busy.by };
    return exits.attachedToRun(busy.heldBy, `run ${short(busy.heldBy)} holds the lock`, evidence);
  } catch (error) {
    return exits.lockUnavailable(error);
  }
}

/** The first attempt whose run has not ended; every earlier one is over, and this is a new action. Keeps S1. */
async function nextAttempt(walk: Walk): Promise<{ readonly id: string; readonly run: RunView | undefined }> {
  const { service, incident_key: incidentKey } = known(walk.event);
  const { name: rule, digest: ruleDigest } = known(walk.rule);
  const incarnation = walk.target?.incarnation;
  for (let attempt = 0; ; attempt += 1) {
    const id = decisionId({ rule, ruleDigest, service, attempt, incarnation, incidentKey });
    const run = await walk.reads.engine.get(id);
    if (run === undefined || run.status === 'running') return { id, run };
  }
}

function lockTarget(walk: Walk): LockTarget {
  const { service } = known(walk.event);
  return known(walk.rule).lock.type === 'host'
    ? { kind: 'host', service, host: known(walk.target).hostId }
    : { kind: 'service', service };
}

async function takeLock(
  walk: Walk,
  target: LockTarget,
  holder: string,
): ReturnType<Walk['reads']['locks']['inspect']> {
  if (isDry(walk)) return walk.reads.locks.inspect(target);
  const request = { target, holder, ttlMs: walk.settings.lockTtlMs };
  const grant = await known(walk.effects).locks.acquire(request, { signal: walk.signal });
  if (!grant.granted) return { heldBy: grant.heldBy, by: grant.by };
  if (walk.isOver) await grant.lease.release();
  else walk.lease = grant.lease;
  return undefined;
}

// 12 --------------------------------------------------------------------------------------------------------------
async function ballot(walk: Walk): Promise<GateOutcome> {
  const rule = known(walk.rule);
  const { clock, voters } = walk.reads;
  const request = {
    decisionId: known(walk.decisionId),
    configDigest: known(walk.snapshot).digest,
    event: known(walk.event),
    rule: rule.name,
    required: rule.quorum.required,
    ...(walk.target === undefined ? {} : { hostId: walk.target.hostId }),
    // S13: in a plan there are no effects, and no event that anybody received.
    ...(walk.effects === undefined ? { supposed: true } : {}),
    deadlineAtMs: clock.monotonic() + Math.min(rule.quorum.timeoutMs, remainingMs(walk)),
  };
  const result = await voters.ballot(request, { signal: walk.signal });
  walk.ballot = result;
  const { yes, required, members, voided } = result;
  const evidence = { yes, required, members, voided };
  if (result.outcome !== 'reached') return exits.ballotLost(result, evidence);
  return pass(`${yes} of ${members} nodes say yes`, evidence);
}

// 13 --------------------------------------------------------------------------------------------------------------
async function budget(walk: Walk): Promise<GateOutcome> {
  const { service, region, account } = known(walk.event);
  const zone = walk.target?.zone ?? 'all';
  const charge = {
    decisionId: known(walk.decisionId),
    service,
    zone,
    account: walk.target?.incarnation.account ?? account ?? 'unknown',
    region,
  };
  try {
    const answer = isDry(walk)
      ? await walk.reads.budgets.peek(charge)
      : await known(walk.effects).budgets.reserve(charge);
    if (!answer.granted) return exits.budgetSpent(answer);
    if (walk.isOver) await walk.effects?.budgets.settle(charge.decisionId, { effects: false });
    walk.budgetReserved = !isDry(walk);
    return pass(`${answer.inFlight} in flight, ${answer.perHour} within the hour`, { ...answer, zone });
  } catch (error) {
    // S6: unreadable means nothing left.
    return exits.budgetUnavailable(error);
  }
}

// 14 --------------------------------------------------------------------------------------------------------------
async function acknowledge(walk: Walk): Promise<GateOutcome> {
  const leftMs = slackMs(walk);
  const evidence = { left_ms: leftMs };
  const tooLate = lateOrLockLost(walk);
  if (tooLate !== undefined) return tooLate;
  if (isDry(walk)) return pass('the page would be acknowledged', evidence);
  const incidentKey = walk.namedPage;
  const page: PageRecord =
    incidentKey === undefined
      ? { action: 'none', detail: 'the event names no page' }
      : { incident_key: incidentKey, action: 'acknowledged', detail: 'taken by Lazarus' };
  try {
    // S10: durable first, so that a crash right after the acknowledgement still ends in resolved or escalated.
    const { audit } = known(walk.effects);
    await withinDeadline(walk.reads.clock, leftMs, walk.signal, () =>
      audit.commitIntent(recordOf(walk, remediation(walk), page)),
    );
  } catch (error) {
    return exits.auditUnavailable(error);
  }
  // L3, S4: writing it may have taken as long as the pager waits, or longer than the lock was held.
  const lateNow = lateOrLockLost(walk);
  if (lateNow !== undefined) return lateNow;
  const refused = incidentKey === undefined ? undefined : await acknowledgePage(walk, incidentKey);
  if (refused !== undefined) return refused;
  walk.page = page;
  if (incidentKey === undefined) return pass(page.detail, evidence);
  return pass(`page ${incidentKey} is ours, ${seconds(leftMs)} left`, evidence);
}

/** No time is left, or the lock that was taken in gate 11 is no longer ours. Keeps S4. */
function lateOrLockLost(walk: Walk): Stopped | undefined {
  const leftMs = slackMs(walk);
  if (leftMs <= 0) return exits.deadlinePassed(-leftMs);
  return lockLost(walk);
}

function lockLost({ lease }: Walk): Stopped | undefined {
  const isLost = lease !== undefined && (lease.signal.aborted || lease.remainingMs() === 0);
  return isLost ? exits.lockLost(lease) : undefined;
}

/** Acknowledges, looking again for a page that is opened a little after the event. */
async function acknowledgePage(walk: Walk, incidentKey: string): Promise<Stopped | undefined> {
  const { clock } = walk.reads;
  const { pager } = known(walk.effects);
  const untilMs = clock.monotonic() + Math.min(walk.settings.pageLookupMs, remainingMs(walk));
  for (;;) {
    let result: PageResult;
    try {
      result = await withinDeadline(clock, Math.max(1, remainingMs(walk)), walk.signal, (call) =>
        pager.acknowledge({ incidentKey, signal: call.signal }),
      );
    } catch (error) {
      return exits.pagerRefused(incidentKey, { error: describeError(error) });
    }
    if (result.done) return undefined;
    if (result.reason !== 'not_found' || clock.monotonic() >= untilMs)
      return exits.pagerRefused(incidentKey, result);
    await clock.sleep(PAGE_RETRY_MS, { signal: walk.signal });
  }
}

// 15 --------------------------------------------------------------------------------------------------------------
async function run(walk: Walk): Promise<GateOutcome> {
  if (isDry(walk)) return { ...pass('the workflow would start'), done: remediation(walk) };
  const lost = lockLost(walk);
  if (lost !== undefined) return lost;
  const event = known(walk.event);
  const rule = known(walk.rule);
  const workflow = known(rule.workflow);
  const runId = known(walk.decisionId);
  try {
    const { engine } = known(walk.effects);
    const submitted = await engine.submit(
      runRequest({
        runId,
        event,
        rule: { ...rule, workflow },
        configDigest: known(walk.snapshot).digest,
        lock: lockTarget(walk),
        hostId: walk.target?.hostId,
        incidentKey: walk.namedPage,
      }),
    );
    // The event is somebody else's meanwhile, and the lock is free.
    if (walk.isOver && submitted === 'created')
      await engine.cancel(runId, 'it began after its event was over');
    const started = submitted === 'created' ? undefined : await walk.reads.engine.get(runId);
    if (started !== undefined && started.status !== 'running') return exits.runIsOver(started);
    const reason =
      submitted === 'created' ? `${workflow.name} started` : `${workflow.name} was started before`;
    return { ...pass(reason, { submitted }), done: remediation(walk) };
  } catch (error) {
    return exits.runNotStarted(error);
  }
}

function remediation(walk: Walk): Decision {
  const { yes, members } = known(walk.ballot);
  return {
    kind: 'remediate',
    workflow: known(known(walk.rule).workflow).name,
    run_id: known(walk.decisionId),
    votes: `${yes}/${members}`,
  };
}

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

/** What an earlier gate has established; its absence is our bug, and escalates. */
function known<T>(value: T | undefined): T {
  if (value === undefined) throw new TypeError('an earlier gate did not establish what this one needs');
  return value;
}
