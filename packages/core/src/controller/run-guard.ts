import type { Snapshot } from '../config/snapshot.ts';
import { failingChecks } from '../decision/failing-checks.ts';
import { describeError } from '../errors/lazarus-error.ts';
import type { LazarusEvent } from '../events/event.ts';
import type { Clock } from '../ports/clock.ts';
import type { Fleet } from '../ports/fleet.ts';
import type { Page, Pager } from '../ports/pager.ts';
import type { Pauses } from '../ports/pauses.ts';
import type { Voters } from '../ports/voters.ts';
import type { Windows } from '../ports/windows.ts';
import type { Verdict } from '../preconditions/precondition.ts';
import { entityBound } from '../rate-limit/limiter.ts';
import { withinDeadline } from '../time/within-deadline.ts';

/** Age at which evidence no longer carries a destructive step. @remarks Source: design, S3. */
export const EVIDENCE_FRESH_MS = 10_000;

/** What a run is about, as its guard needs it. */
export interface GuardedRun {
  readonly runId: string;
  readonly event: LazarusEvent;
  readonly rule: string;
  /** The configuration that it was decided with. */
  readonly configDigest?: string;
  readonly service: string;
  readonly hostId?: string;
  readonly incidentKey?: string;
}

/** Where in its life a run is. */
export interface SafePoint {
  /** Nothing destructive has been done by this run yet, and the next step is destructive. */
  readonly firstDestructive: boolean;
  /** Monotonic instant of the ballot in this process; absent in a process that took the run over. */
  readonly evidenceAtMs?: number;
}

/** Ports of {@link createRunGuard}. */
export interface RunGuardPorts {
  readonly clock: Clock;
  readonly pauses: Pauses;
  readonly pager: Pager;
  readonly voters: Voters;
  readonly windows: Windows;
  /** Says how many hosts there are, for limits that are shares of them; without it, such a limit allows none to fail. */
  readonly fleet?: Pick<Fleet, 'list'>;
  /** The configuration in force. */
  readonly snapshot: () => Snapshot | undefined;
  /** One that was in force a moment ago, by its digest; see `SnapshotShelf.find`. */
  readonly snapshotOf?: (digest: string) => Snapshot | undefined;
}

/** Asks at a safe point whether a run may go on; a failure stops it, undoes it and escalates. */
export type RunGuard = (run: GuardedRun, point: SafePoint, signal: AbortSignal) => Promise<Verdict>;

const INVENTORY_MS = 5_000;

/**
 * Guards a run at its safe points: paused (S14), taken over by a person, the region suspended (S7), and, right before the
 * first destructive step, the preconditions put to the vote again when the evidence is older than 10 s (S3). A store
 * that does not answer is a no. Once something destructive was done a run goes on to its end: stopping half-way would
 * leave less capacity than finishing.
 */
export function createRunGuard(ports: RunGuardPorts): RunGuard {
  return async (run, point, signal) => {
    try {
      if (!point.firstDestructive) return await mayGoOn(run, point, ports, signal);
      const before = await notForbidden(run, point, ports, signal);
      if (before.verdict === 'fail' || isEvidenceFresh(point, ports.clock)) return before;
      // S3: each vote is at least as young as the question.
      const votedAtMs = ports.clock.monotonic();
      const vote = await stillTrue(run, ports, signal);
      if (vote.verdict === 'fail') return vote;
      // S14: a vote takes seconds, and who stopped everything meanwhile must not find that it went on.
      const after = await notForbidden(run, point, ports, signal);
      // S3: the stores and the pager take their time, too, and the votes get older meanwhile.
      return after.verdict === 'fail' ? after : freshOrFail(votedAtMs, ports.clock);
    } catch (error) {
      return { verdict: 'fail', reason: `could not be checked again: ${describeError(error)}` };
    }
  };
}

/** Nobody stops it, and no storm does. */
async function notForbidden(
  run: GuardedRun,
  point: SafePoint,
  ports: RunGuardPorts,
  signal: AbortSignal,
): Promise<Verdict> {
  const mayGo = await mayGoOn(run, point, ports, signal);
  return mayGo.verdict === 'fail' ? mayGo : notSuspended(run, ports, signal);
}

async function mayGoOn(
  run: GuardedRun,
  point: SafePoint,
  ports: RunGuardPorts,
  signal: AbortSignal,
): Promise<Verdict> {
  const pause = await ports.pauses.active({ region: run.event.region, service: run.service });
  if (pause !== undefined) return { verdict: 'fail', reason: `paused by ${pause.author}: ${pause.reason}` };
  if (run.incidentKey === undefined) return { verdict: 'pass' };
  const page = await lookAtPage(run.incidentKey, point, ports, signal);
  if (page?.takenByHuman === true)
    return { verdict: 'fail', reason: `a person took page ${run.incidentKey}` };
  if (point.firstDestructive && page?.status === 'resolved')
    return { verdict: 'fail', reason: `page ${run.incidentKey} was resolved meanwhile` };
  return { verdict: 'pass' };
}

/** Before anything was done a pager that does not answer is a no; afterwards it is no reason to stop half-way. */
async function lookAtPage(
  incidentKey: string,
  point: SafePoint,
  ports: RunGuardPorts,
  signal: AbortSignal,
): Promise<Page | undefined> {
  try {
    return await ports.pager.find({ incidentKey, signal });
  } catch (error) {
    signal.throwIfAborted();
    if (point.firstDestructive) throw error;
    return undefined;
  }
}

async function notSuspended(run: GuardedRun, ports: RunGuardPorts, signal: AbortSignal): Promise<Verdict> {
  const { breaker, entities } = await ports.windows.view({ region: run.event.region, service: run.service });
  if (breaker.state !== 'closed')
    return { verdict: 'fail', reason: `the circuit breaker of the region is ${breaker.state}` };
  const limits = ports.snapshot()?.rule(run.rule, run.event)?.limits ?? { maxEntities: 0 };
  const hosts =
    limits.maxEntitiesFraction === undefined ? undefined : await knownHosts(run.service, ports, signal);
  const max = entityBound(limits, hosts);
  if (entities > max)
    return { verdict: 'fail', reason: `${entities} of ${run.service} are failing, ${max} are allowed` };
  return { verdict: 'pass' };
}

/** `undefined` when the inventory is not complete, which allows none to fail. Keeps S8. */
async function knownHosts(
  service: string,
  { clock, fleet }: RunGuardPorts,
  signal: AbortSignal,
): Promise<number | undefined> {
  const list = await withinDeadline(clock, INVENTORY_MS, signal, (call) => fleet?.list(service, call));
  return list?.complete === true ? list.hosts.length : undefined;
}

function isEvidenceFresh({ evidenceAtMs }: Pick<SafePoint, 'evidenceAtMs'>, clock: Clock): boolean {
  return evidenceAtMs !== undefined && clock.monotonic() - evidenceAtMs <= EVIDENCE_FRESH_MS;
}

function freshOrFail(votedAtMs: number, clock: Clock): Verdict {
  if (isEvidenceFresh({ evidenceAtMs: votedAtMs }, clock)) return { verdict: 'pass' };
  const ageMs = clock.monotonic() - votedAtMs;
  const reason = `the votes right before acting are ${ageMs} ms old, ${EVIDENCE_FRESH_MS} ms are allowed`;
  return { verdict: 'fail', reason };
}

/** Puts the preconditions to the vote again; an answer that comes later than evidence may be old is none. Keeps S3. */
async function stillTrue(run: GuardedRun, ports: RunGuardPorts, signal: AbortSignal): Promise<Verdict> {
  const snapshot = ports.snapshot();
  const rule = snapshot?.rule(run.rule, run.event);
  if (snapshot === undefined || rule === undefined)
    return { verdict: 'fail', reason: `rule ${run.rule} no longer exists` };
  if (rule.mode !== 'act') return { verdict: 'fail', reason: `rule ${run.rule} is in mode ${rule.mode} now` };
  // What is in force now may forbid; what is voted on is what was decided, as long as the nodes still have it. Keeps S15.
  const decidedWith = run.configDigest === undefined ? undefined : ports.snapshotOf?.(run.configDigest);
  const ballot = await ports.voters.ballot(
    {
      decisionId: run.runId,
      configDigest: (decidedWith ?? snapshot).digest,
      revalidates: true,
      event: run.event,
      rule: run.rule,
      required: rule.quorum.required,
      deadlineAtMs: ports.clock.monotonic() + Math.min(EVIDENCE_FRESH_MS, rule.quorum.timeoutMs),
      ...(run.hostId === undefined ? {} : { hostId: run.hostId }),
    },
    { signal },
  );
  if (ballot.outcome === 'reached')
    return { verdict: 'pass', reason: `${ballot.yes} of ${ballot.members} nodes say yes again` };
  const why = [...failingChecks(ballot), ...ballot.voided.map((vote) => `${vote.voter}: ${vote.reason}`)];
  return {
    verdict: 'fail',
    reason: `${ballot.yes} of ${ballot.required} needed votes right before acting (${ballot.outcome}); ${why.join('; ')}`,
  };
}
