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
 * Not here: what happens to the page of an event that was not acted on (settle-page.ts), and the run (WorkflowEngine).
 */
import { parseEvent } from '../events/parse-event.ts';
import { canonicalEventId } from '../events/event.ts';
import { describeError } from '../errors/lazarus-error.ts';
import { withTimeout } from '../time/with-timeout.ts';
import type { Clock } from '../ports/clock.ts';
import type { Page, PageResult } from '../ports/pager.ts';
import type { Decision } from './decision.ts';
import { decisionId } from './decision-id.ts';
import { failingChecks } from './failing-checks.ts';
import { LADDER } from './ladder.ts';
import type { GateId } from './ladder.ts';
import type { DecisionRecord, PageRecord } from './record.ts';
import { entityOf, escalate, pass, recordOf, remainingMs, suppress } from './walk.ts';
import type { Gate, GateOutcome, Walk } from './walk.ts';

const DEFAULT_STALE_AFTER_MS = 300_000;
const HOLD_DOWN_LOOK_MS = 500;
const PAGE_RETRY_MS = 500;

/** Walks the ladder and returns what was decided. Never rejects: a bug is a reason to escalate, too. */
export async function decide(walk: Walk): Promise<Decision> {
  for (const rung of LADDER) {
    const startedMs = walk.reads.clock.monotonic();
    const at = new Date(walk.reads.clock.now()).toISOString();
    const outcome = await attempt(rung.id, walk);
    walk.gates.push({
      gate: rung.id,
      number: rung.number,
      verdict: outcome.verdict,
      reason: outcome.reason,
      evidence: outcome.evidence ?? {},
      at,
      duration_ms: walk.reads.clock.monotonic() - startedMs,
      ...(outcome.verdict === 'fail' ? { exit: outcome.exit } : {}),
      ...(outcome.verdict === 'fail' && outcome.wouldFlip !== undefined
        ? { would_flip: outcome.wouldFlip }
        : {}),
    });
    if (outcome.verdict === 'fail') return inMode(walk, outcome.decision);
    if (outcome.done !== undefined) return inMode(walk, outcome.done);
  }
  return { kind: 'escalate', reason: 'invariant_broken', detail: 'the ladder ended without a decision' };
}

async function attempt(id: GateId, walk: Walk): Promise<GateOutcome> {
  try {
    return await GATES[id](walk);
  } catch (error) {
    const detail = `gate ${id} failed: ${describeError(error)}`;
    walk.reads.log.error('a gate failed; escalating', {
      gate: id,
      event_id: walk.eventId,
      error: describeError(error),
    });
    return {
      verdict: 'fail',
      exit: 'invariant_broken',
      reason: detail,
      decision: { kind: 'escalate', reason: 'invariant_broken', detail },
    };
  }
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

/** A dry walk, or a rule that is not trusted to act yet. */
function isDry(walk: Walk): boolean {
  return walk.effects === undefined || walk.rule?.mode !== 'act';
}

// 1 ---------------------------------------------------------------------------------------------------------------
const decode: Gate = (walk) => {
  const parsed = parseEvent(walk.received.payload);
  if (!parsed.ok) {
    if (parsed.incidentKey !== undefined) walk.namedPage = parsed.incidentKey;
    const detail = parsed.issues.map((issue) => `${issue.path} ${issue.message}`).join('; ');
    return escalate('invalid', `not a valid event: ${detail}`, { evidence: { issues: parsed.issues } });
  }
  walk.event = parsed.event;
  walk.eventId = canonicalEventId(parsed.event);
  if (parsed.event.incident_key !== undefined) walk.namedPage = parsed.event.incident_key;
  if (parsed.event.region !== walk.settings.region) {
    return escalate(
      'invalid',
      `the event is about region ${parsed.event.region}, this is ${walk.settings.region}`,
      {
        evidence: { region: parsed.event.region },
      },
    );
  }
  return pass(`${parsed.event.event_type} from ${parsed.event.source}`, {
    event_type: parsed.event.event_type,
  });
};

// 2 ---------------------------------------------------------------------------------------------------------------
const fresh: Gate = async (walk) => {
  const event = known(walk.event);
  const ageMs = walk.received.atMs - Date.parse(event.time);
  // Matching is pure and cheap, and a rule may allow less age, or more, than the type of its events.
  const match = walk.snapshot?.match(event);
  if (match !== undefined) walk.match = match;
  const staleAfterMs =
    match?.matched === true
      ? match.rule.staleAfterMs
      : (walk.snapshot?.staleAfterMs(event.event_type) ?? DEFAULT_STALE_AFTER_MS);
  const evidence = { age_ms: ageMs, stale_after_ms: staleAfterMs, max_skew_ms: walk.settings.maxSkewMs };
  if (ageMs > staleAfterMs && (await begunRun(walk)) !== undefined)
    return pass(`${seconds(ageMs)} old, but its run was begun in time`, evidence);
  if (ageMs > staleAfterMs)
    return suppress('stale', `${seconds(ageMs)} old, the limit is ${seconds(staleAfterMs)}`, { evidence });
  if (ageMs < -walk.settings.maxSkewMs) {
    return escalate('future_dated', `dated ${seconds(-ageMs)} in the future`, { evidence });
  }
  return pass(`${seconds(Math.max(0, ageMs))} old`, evidence);
};

// 3 ---------------------------------------------------------------------------------------------------------------
const firstSeen: Gate = async (walk) => {
  const earlier = await walk.reads.audit.byEvent(walk.eventId);
  if (earlier === undefined) return pass('not seen before', { redelivered: false });
  const { decision } = earlier.record;
  if (earlier.terminal) return suppress('duplicate', `this event already ended: ${decision.kind}`);
  // S12: an intent without a terminal record means that a node died here; the run, if it exists, is the truth.
  if ((await begunRun(walk)) !== undefined) {
    walk.resumes = earlier.record;
    return {
      verdict: 'pass',
      reason: 'resumed: its run exists',
      evidence: { redelivered: true },
      done: decision,
    };
  }
  return pass('delivered again; it was not finished', { redelivered: true });
};

/** The record of this event's intent, when its run exists. */
async function begunRun(walk: Walk): Promise<DecisionRecord | undefined> {
  const earlier = await walk.reads.audit.byEvent(walk.eventId);
  if (earlier === undefined || earlier.terminal || earlier.record.decision.kind !== 'remediate')
    return undefined;
  const run = await walk.reads.engine.get(earlier.record.decision.run_id);
  return run === undefined ? undefined : earlier.record;
}

// 4 ---------------------------------------------------------------------------------------------------------------
const observe: Gate = async (walk) => {
  const event = known(walk.event);
  await findTarget(walk);
  try {
    const view = await walk.reads.windows.observe({
      eventId: walk.eventId,
      region: event.region,
      service: event.service,
      entity: entityOf(walk),
    });
    walk.view = view;
    return pass(
      `${view.entities} failing in ${event.service}, ${view.breaker.services} services in the region`,
      {
        entities: view.entities,
        services: view.breaker.services,
        window_ms: view.windowMs,
      },
    );
  } catch (error) {
    return escalate(
      'windows_unavailable',
      `counts are unknown, which counts as open: ${describeError(error)}`,
    );
  }
};

async function findTarget(walk: Walk): Promise<void> {
  const { service, host } = known(walk.event);
  if (host === undefined) return;
  const { clock, fleet } = walk.reads;
  try {
    const found = await withTimeout(clock, walk.settings.fleetTimeoutMs, walk.signal, (signal) =>
      fleet.find({ service, host }, { signal }),
    );
    if (found === undefined) walk.targetProblem = `the provider knows no single host ${host} in ${service}`;
    else walk.target = found;
  } catch (error) {
    walk.targetProblem = `the provider did not answer: ${describeError(error)}`;
  }
}

// 5 ---------------------------------------------------------------------------------------------------------------
const coalesce: Gate = async (walk) => {
  const event = known(walk.event);
  const entity = entityOf(walk);
  const key = `${event.region}/${event.service}/${entity}`;
  for (let claim = walk.reads.claims.claim(key, walk); !claim.mine;) {
    const { decision } = await claim.ended;
    if (claim.eventId === walk.eventId) {
      const ended = await walk.reads.audit.byEvent(walk.eventId);
      if (ended?.terminal === true)
        return suppress('duplicate', 'this event was delivered twice at the same time');
      claim = walk.reads.claims.claim(key, walk);
      continue;
    }
    // S13: a note of what would have been done is nobody's outcome: this event walks on and makes its own.
    if (decision.kind !== 'notify_only') {
      return suppress(
        'attached',
        `event ${claim.eventId} about ${entity} was decided first: ${decision.kind}`,
        {
          attachedTo: claim.eventId,
          ...('run_id' in decision ? { runId: decision.run_id } : {}),
        },
      );
    }
    claim = walk.reads.claims.claim(key, walk);
  }
  if (walk.target === undefined) return pass(`${entity} is not being remediated`, { entity });
  return (await alreadyRemediated(walk, event.time)) ?? pass(`${entity} is not being remediated`, { entity });
};

async function alreadyRemediated(walk: Walk, eventTime: string): Promise<GateOutcome | undefined> {
  const target = known(walk.target);
  const held = await walk.reads.locks.inspect({ kind: 'host', service: target.service, host: target.hostId });
  const run = held === undefined ? undefined : await walk.reads.engine.get(held.heldBy);
  // Whichever kind of lock the rule takes: a run about this very host is what this alarm is about.
  if (run?.status === 'running' && run.host_id === target.hostId) {
    return suppress('attached', `run ${short(run.run_id)} is about ${target.name}`, { runId: run.run_id });
  }
  const [last] = await walk.reads.audit.runsOf(target.incarnation.instanceId);
  const gone = target.lifecycle === 'forensics' || target.state === 'terminated';
  if (last === undefined) {
    if (!gone) return undefined;
    return suppress(
      'superseded',
      `${target.name} is ${target.lifecycle === 'forensics' ? 'kept for examination' : 'gone'}`,
    );
  }
  const older = last.ended_at !== undefined && Date.parse(eventTime) <= Date.parse(last.ended_at);
  // A run that did not succeed was handed to a person: only a person starts again on this incarnation.
  const handedOver = last.status !== 'succeeded';
  if (!gone && !older && !handedOver) return undefined;
  // S9: what an earlier run has dealt with never acts again; its page follows that run.
  return suppress(
    'superseded',
    `run ${short(last.run_id)} already dealt with ${target.name} (${last.status})`,
    {
      runId: last.run_id,
      evidence: { lifecycle: target.lifecycle, run_status: last.status },
    },
  );
}

// 6 ---------------------------------------------------------------------------------------------------------------
const matchRule: Gate = (walk) => {
  if (walk.snapshot === undefined)
    return escalate('no_config', 'there is no valid configuration yet: observing only');
  const event = known(walk.event);
  const match = known(walk.match);
  if (!match.matched) {
    const near = match.nearest.map(({ rule, because }) => `${rule}: ${because}`);
    return escalate('no_rule', 'no rule matches this event', {
      evidence: { nearest: near },
      ...(near[0] === undefined ? {} : { wouldFlip: near[0] }),
    });
  }
  walk.rule = match.rule;
  const { name, mode, action } = match.rule;
  const evidence = { rule: name, mode, why: match.why, others: match.others };
  if (mode === 'off')
    return escalate('mode_off', `rule ${name} is switched off for ${event.service}`, {
      evidence,
      wouldFlip: 'mode: act',
    });
  if (action === 'notify_only') {
    const detail = `rule ${name} alerts without remediation`;
    return {
      verdict: 'fail',
      exit: 'notify_only_rule',
      reason: detail,
      evidence,
      decision: { kind: 'notify_only', reason: 'rule', detail },
    };
  }
  return pass(`${name} (${mode})`, evidence);
};

// 7 ---------------------------------------------------------------------------------------------------------------
const paused: Gate = async (walk) => {
  const { region, service } = known(walk.event);
  try {
    const pause = await walk.reads.pauses.active({ region, service });
    if (pause === undefined) return pass('not paused');
    const until = pause.until === undefined ? 'until it is lifted' : `until ${pause.until}`;
    return escalate('paused', `paused by ${pause.author} ${until}: ${pause.reason}`, {
      evidence: { pause },
      wouldFlip: 'lazarus resume',
    });
  } catch (error) {
    // S14: unreachable counts as paused.
    return escalate('pause_unavailable', `the pause store did not answer: ${describeError(error)}`);
  }
};

// 8 ---------------------------------------------------------------------------------------------------------------
const holdDown: Gate = async (walk) => {
  const { clock, windows } = walk.reads;
  const { region, service } = known(walk.event);
  const untilMs = walk.received.monotonicMs + known(walk.rule).holdDownMs;
  const startedMs = clock.monotonic();
  while (clock.monotonic() < untilMs && remainingMs(walk) > 0 && !isSuspended(walk)) {
    await clock.sleep(Math.min(HOLD_DOWN_LOOK_MS, untilMs - clock.monotonic()), { signal: walk.signal });
    walk.view = await windows.view({ region, service });
  }
  return pass(`waited ${seconds(clock.monotonic() - startedMs)} for a storm to show itself`, {
    waited_ms: clock.monotonic() - startedMs,
    ended_early: isSuspended(walk),
  });
};

function isSuspended(walk: Walk): boolean {
  const view = known(walk.view);
  return view.breaker.state !== 'closed' || view.entities > known(walk.rule).limits.maxEntities;
}

// 9 ---------------------------------------------------------------------------------------------------------------
const regionBreaker: Gate = (walk) => {
  const { breaker } = known(walk.view);
  const evidence = { ...breaker };
  if (breaker.state === 'closed') {
    return pass(`closed: ${breaker.services} of at most ${breaker.maxServices} failing services`, evidence);
  }
  const detail = `the circuit breaker of the region is ${breaker.state}: ${breaker.services} services are failing, ${breaker.maxServices} are allowed`;
  return escalate('region_circuit_open', detail, {
    evidence,
    wouldFlip: `at most ${breaker.maxServices} failing services`,
  });
};

// 10 --------------------------------------------------------------------------------------------------------------
const serviceLimit: Gate = async (walk) => {
  const { entities, windowMs } = known(walk.view);
  const { service } = known(walk.event);
  const { maxEntities, maxEntitiesFraction } = known(walk.rule).limits;
  const bound =
    maxEntitiesFraction === undefined
      ? maxEntities
      : Math.min(maxEntities, await shareOf(walk, maxEntitiesFraction));
  const evidence = { entities, max_entities: bound, window_ms: windowMs };
  if (entities <= bound) return pass(`${entities} of at most ${bound} failing in ${service}`, evidence);
  return escalate(
    'service_rate_limited',
    `${entities} of ${service} failed within ${seconds(windowMs)}, ${bound} are allowed`,
    {
      evidence,
      wouldFlip: `at most ${bound} failing`,
    },
  );
};

/** A share of the known hosts, at least one; an incomplete inventory allows none. Keeps S8. */
async function shareOf(walk: Walk, fraction: number): Promise<number> {
  const list = await walk.reads.fleet.list(known(walk.event).service, { signal: walk.signal });
  return list.complete ? Math.max(1, Math.floor(list.hosts.length * fraction)) : 0;
}

// 11 --------------------------------------------------------------------------------------------------------------
const lock: Gate = async (walk) => {
  const event = known(walk.event);
  const rule = known(walk.rule);
  const { target } = walk;
  if (rule.lock.type === 'host' && target === undefined) {
    return escalate(
      'target_unresolved',
      walk.targetProblem ?? `rule ${rule.name} needs a host and the event names none`,
    );
  }
  if (target !== undefined && (!target.managed || target.isProtected)) {
    const detail = target.isProtected
      ? `${target.name} is protected`
      : `${target.name} has not opted in at the provider`;
    return escalate('target_protected', detail, { wouldFlip: 'tag the host as managed at the provider' });
  }
  walk.decisionId = await chooseDecisionId(walk);
  if ((await walk.reads.engine.get(walk.decisionId))?.status === 'running') {
    return suppress('attached', `run ${short(walk.decisionId)} is doing this already`, {
      runId: walk.decisionId,
    });
  }
  const wanted =
    rule.lock.type === 'host'
      ? ({ kind: 'host', service: event.service, host: known(target).hostId } as const)
      : ({ kind: 'service', service: event.service } as const);
  try {
    const busy = await takeLock(walk, wanted, walk.decisionId);
    if (busy === undefined)
      return pass(`${rule.lock.type} lock ${isDry(walk) ? 'is free' : 'acquired'}`, { target: wanted });
    const evidence = { held_by: busy.heldBy, lock: busy.by };
    // The page can only share the fate of a run that is about the same host.
    const sameHost = busy.by.kind === 'host' && wanted.kind === 'host' && busy.by.host === wanted.host;
    const holder = await walk.reads.engine.get(busy.heldBy);
    const hasEnded = holder !== undefined && holder.status !== 'running';
    if (rule.lock.onBusy === 'attach' && sameHost && !hasEnded) {
      return suppress('attached', `run ${short(busy.heldBy)} holds the lock`, {
        evidence,
        runId: busy.heldBy,
      });
    }
    return escalate('lock_held', `the ${busy.by.kind} lock is held by ${short(busy.heldBy)}`, { evidence });
  } catch (error) {
    return escalate('lock_unavailable', describeError(error));
  }
};

/** The first attempt whose run has not ended; every earlier one is over, and this is a new action. Keeps S1. */
async function chooseDecisionId(walk: Walk): Promise<string> {
  const { service, incident_key } = known(walk.event);
  const { name, digest } = known(walk.rule);
  const incarnation = walk.target?.incarnation;
  for (let attempt = 0; ; attempt += 1) {
    const id = decisionId({
      rule: name,
      ruleDigest: digest,
      service,
      attempt,
      ...(incarnation === undefined ? {} : { incarnation }),
      ...(incident_key === undefined ? {} : { incidentKey: incident_key }),
    });
    const run = await walk.reads.engine.get(id);
    if (run === undefined || run.status === 'running') return id;
  }
}

async function takeLock(
  walk: Walk,
  target: Parameters<Walk['reads']['locks']['inspect']>[0],
  holder: string,
): ReturnType<Walk['reads']['locks']['inspect']> {
  if (isDry(walk)) return walk.reads.locks.inspect(target);
  const grant = await known(walk.effects).locks.acquire(
    { target, holder, ttlMs: walk.settings.lockTtlMs },
    { signal: walk.signal },
  );
  if (!grant.granted) return { heldBy: grant.heldBy, by: grant.by };
  walk.lease = grant.lease;
  return undefined;
}

// 12 --------------------------------------------------------------------------------------------------------------
const ballot: Gate = async (walk) => {
  const rule = known(walk.rule);
  const result = await walk.reads.voters.ballot(
    {
      decisionId: known(walk.decisionId),
      configDigest: known(walk.snapshot).digest,
      event: known(walk.event),
      rule: rule.name,
      required: rule.quorum.required,
      ...(walk.target === undefined ? {} : { hostId: walk.target.hostId }),
      deadlineAtMs: walk.reads.clock.monotonic() + Math.min(rule.quorum.timeoutMs, remainingMs(walk)),
    },
    { signal: walk.signal },
  );
  walk.ballot = result;
  const evidence = {
    yes: result.yes,
    required: result.required,
    members: result.members,
    voided: result.voided,
  };
  if (result.outcome === 'reached') return pass(`${result.yes} of ${result.members} nodes say yes`, evidence);
  const failing = failingChecks(result);
  const unmet = (result.unmet ?? []).map((line) => `; ${line}`).join('');
  const count = `${result.yes} of ${result.required} needed votes${unmet}`;
  if (result.outcome === 'timed_out') return escalate('quorum_timed_out', `${count} in time`, { evidence });
  if (failing.length === 0) return escalate('quorum_not_reached', count, { evidence });
  return escalate('precondition_failed', `${count}; ${failing.join('; ')}`, {
    evidence,
    wouldFlip: `${failing[0]?.split(':')[0] ?? 'the precondition'} passes on ${result.required} nodes`,
  });
};

// 13 --------------------------------------------------------------------------------------------------------------
const budget: Gate = async (walk) => {
  const event = known(walk.event);
  const charge = {
    decisionId: known(walk.decisionId),
    service: event.service,
    zone: walk.target?.zone ?? 'all',
    account: walk.target?.incarnation.account ?? event.account ?? 'unknown',
    region: event.region,
  };
  try {
    const answer = isDry(walk)
      ? await walk.reads.budgets.peek(charge)
      : await known(walk.effects).budgets.reserve(charge);
    if (answer.granted) {
      walk.budgetReserved = !isDry(walk);
      return pass(`${answer.inFlight} in flight, ${answer.perHour} within the hour`, {
        ...answer,
        zone: charge.zone,
      });
    }
    const detail = `the ${answer.scope} has ${answer.used} of ${answer.max} (${answer.bound})`;
    return escalate('budget_spent', detail, {
      evidence: { ...answer },
      wouldFlip: `${answer.bound} below ${answer.max}`,
    });
  } catch (error) {
    // S6: unreadable means nothing left.
    return escalate('budget_unavailable', describeError(error));
  }
};

// 14 --------------------------------------------------------------------------------------------------------------
const acknowledge: Gate = async (walk) => {
  const leftMs = remainingMs(walk);
  const evidence = { left_ms: leftMs };
  if (leftMs === 0)
    return escalate('deadline_passed', 'too late to acknowledge: the page escalates by itself', { evidence });
  if (isDry(walk)) return pass('the page would be acknowledged', evidence);
  const effects = known(walk.effects);
  const page: PageRecord =
    walk.namedPage === undefined
      ? { action: 'none', detail: 'the event names no page' }
      : { incident_key: walk.namedPage, action: 'acknowledged', detail: 'taken by Lazarus' };
  try {
    // S10: durable first, so that a crash right after the acknowledgement still ends in resolved or escalated.
    await effects.audit.commitIntent(recordOf(walk, remediation(walk), page));
  } catch (error) {
    return escalate('audit_unavailable', `nothing is done without a durable record: ${describeError(error)}`);
  }
  if (walk.namedPage === undefined) {
    walk.page = page;
    return pass('the event names no page', evidence);
  }
  const refused = await acknowledgePage(walk, walk.namedPage);
  if (refused !== undefined) return escalate('pager_refused', refused, { evidence });
  walk.page = page;
  return pass(`page ${walk.namedPage} is ours, ${seconds(leftMs)} left`, evidence);
};

/** Acknowledges, looking again for a page that is opened a little after the event; returns why not. */
async function acknowledgePage(walk: Walk, incidentKey: string): Promise<string | undefined> {
  const { clock } = walk.reads;
  const untilMs = clock.monotonic() + Math.min(walk.settings.pageLookupMs, remainingMs(walk));
  for (;;) {
    let result: PageResult;
    try {
      result = await withTimeout(clock, Math.max(1, remainingMs(walk)), walk.signal, (signal) =>
        known(walk.effects).pager.acknowledge({ incidentKey, signal }),
      );
    } catch (error) {
      return `the pager did not take the acknowledgement: ${describeError(error)}`;
    }
    if (result.done) return undefined;
    if (result.reason !== 'not_found' || clock.monotonic() >= untilMs)
      return refusal(incidentKey, result.reason, result.page);
    await pause(clock, PAGE_RETRY_MS, walk.signal);
  }
}

function refusal(incidentKey: string, reason: string, page: Page | undefined): string {
  return `page ${incidentKey}: ${reason.replaceAll('_', ' ')}${page === undefined ? '' : ` (${page.status})`}`;
}

// 15 --------------------------------------------------------------------------------------------------------------
const run: Gate = async (walk) => {
  if (isDry(walk)) return { verdict: 'pass', reason: 'the workflow would start', done: remediation(walk) };
  const event = known(walk.event);
  const rule = known(walk.rule);
  const workflow = known(rule.workflow);
  try {
    const submitted = await known(walk.effects).engine.submit({
      runId: known(walk.decisionId),
      workflow: workflow.name,
      ...(workflow.digest === undefined ? {} : { workflowDigest: workflow.digest }),
      inputs: workflow.inputs,
      event,
      rule: rule.name,
      configDigest: known(walk.snapshot).digest,
      service: event.service,
      lock:
        rule.lock.type === 'host'
          ? { kind: 'host', service: event.service, host: known(walk.target).hostId }
          : { kind: 'service', service: event.service },
      timeoutMs: workflow.timeoutMs,
      ...(walk.target === undefined ? {} : { hostId: walk.target.hostId }),
      ...(walk.namedPage === undefined ? {} : { incidentKey: walk.namedPage }),
      ...(rule.notificationGroup === undefined ? {} : { notificationGroup: rule.notificationGroup }),
    });
    const started = submitted === 'created' ? undefined : await walk.reads.engine.get(known(walk.decisionId));
    if (started !== undefined && started.status !== 'running') {
      return escalate(
        'run_not_started',
        `run ${short(started.run_id)} of this decision is over (${started.status})`,
      );
    }
    const reason =
      submitted === 'created' ? `${workflow.name} started` : `${workflow.name} was started before`;
    return { verdict: 'pass', reason, evidence: { submitted }, done: remediation(walk) };
  } catch (error) {
    return escalate('run_not_started', describeError(error));
  }
};

function remediation(walk: Walk): Decision {
  const result = known(walk.ballot);
  return {
    kind: 'remediate',
    workflow: known(known(walk.rule).workflow).name,
    run_id: known(walk.decisionId),
    votes: `${result.yes}/${result.members}`,
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

async function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  await clock.sleep(ms, { signal });
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;
}

function short(id: string): string {
  return id.slice(0, 12);
}
