/**
 * A program without peers votes alone. The ballot is counted like any other: it has one member, needs one yes, and the
 * record says 1 of 1.
 *
 * Invariants:
 * S2: yes only when every check passed in time; a ballot without any check is no. What a check demands of the whole
 *     ballot (the own-zone rule) is demanded of the one vote.
 * S9: an event that is stale by this clock, or a host that was dealt with already, is never voted for.
 * S15: a question about a configuration that is not known here is not answered.
 * S16: a host that is unknown, protected or has not opted in is never voted for.
 */
import type { EffectiveRule, Snapshot } from '../config/snapshot.ts';
import { ageRefusal, targetRefusal } from '../decision/voter-refusals.ts';
import { describeError } from '../errors/lazarus-error.ts';
import type { Clock } from '../ports/clock.ts';
import type { Fleet, Host } from '../ports/fleet.ts';
import type { HealthProbe } from '../ports/health-probe.ts';
import type { Logger } from '../ports/logger.ts';
import type { BallotRequest, BallotResult, CheckResult, VoidVote, Vote, Voters } from '../ports/voters.ts';
import { evaluatePrechecks } from '../preconditions/evaluate-prechecks.ts';
import { unmetRequirements } from '../preconditions/quorum-requirement.ts';
import { withTimeout } from '../time/with-timeout.ts';

/** Share of the time after which the vote is no, so that its reason is still in the record. */
const ANSWER_WITHIN = 0.9;
/** Longest wait for the provider's inventory. */
const READ_TIMEOUT_MS = 5_000;
/** A reason that costs nothing: `abort()` alone makes an exception with a stack each time. */
const NO_LONGER_NEEDED = Symbol('no longer needed');

/** What the lone voter looks at. */
export interface LoneVoterPorts {
  readonly clock: Clock;
  readonly log: Logger;
  readonly fleet: Fleet;
  readonly probe: HealthProbe;
  /** The configuration that a ballot names, or the one in force; see `SnapshotShelf.forBallot`. */
  readonly snapshot: (digest: string) => Snapshot | undefined;
}

/** Creates the voter of a program without peers: 1 of 1. */
export function createLoneVoter(node: string, ports: LoneVoterPorts): Voters {
  const { clock } = ports;
  return {
    ballot: async (request, { signal }) => {
      signal.throwIfAborted();
      const startedMs = clock.monotonic();
      const snapshot = ports.snapshot(request.configDigest);
      if (snapshot?.digest !== request.configDigest)
        return resultOf([], { voided: [otherDigest(node, snapshot)], durationMs: 0 });
      const rule = snapshot.rule(request.rule, request.event);
      const checks = await examine(request, rule, ports, signal);
      signal.throwIfAborted();
      const isYes = checks.length > 0 && checks.every((check) => check.verdict === 'pass');
      const durationMs = clock.monotonic() - startedMs;
      const vote: Vote = {
        voter: node,
        zone: ports.probe.zone,
        verdict: isYes ? 'yes' : 'no',
        checks,
        durationMs,
      };
      return resultOf([vote], { voided: [], durationMs });
    },
  };
}

function otherDigest(node: string, snapshot: Snapshot | undefined): VoidVote {
  return {
    voter: node,
    reason: 'config_digest_differs',
    detail: `has ${snapshot?.digest.slice(0, 12) ?? 'none'}`,
  };
}

function resultOf(
  votes: readonly Vote[],
  rest: { readonly voided: readonly VoidVote[]; readonly durationMs: number },
): BallotResult {
  const yes = votes.filter((vote) => vote.verdict === 'yes').length;
  const unmet = unmetRequirements(votes).map(({ check, reason }) => `${check} ${reason}`);
  return {
    outcome: yes === 1 && unmet.length === 0 ? 'reached' : 'not_reached',
    yes,
    required: 1,
    members: 1,
    votes,
    ...(unmet.length === 0 ? {} : { unmet }),
    ...rest,
  };
}

/** Never rejects and ends in time: what hangs has failed, and the others keep their answers. */
async function examine(
  request: BallotRequest,
  rule: EffectiveRule | undefined,
  ports: LoneVoterPorts,
  outer: AbortSignal,
): Promise<readonly CheckResult[]> {
  const { clock } = ports;
  if (rule === undefined)
    return [
      { check: 'Rule', verdict: 'fail', reason: `rule ${request.rule} no longer exists`, durationMs: 0 },
    ];
  const tooOld =
    request.revalidates === true ? undefined : ageRefusal(request.event, rule.staleAfterMs, clock.now());
  if (tooOld !== undefined) return [{ check: 'EventAge', verdict: 'fail', reason: tooOld, durationMs: 0 }];
  const timeoutMs = Math.max(0, (request.deadlineAtMs - clock.monotonic()) * ANSWER_WITHIN);
  const timer = new AbortController();
  const deadline = new AbortController();
  clock.sleep(timeoutMs, { signal: timer.signal }).then(
    () => deadline.abort(new DOMException('the ballot is about to end', 'AbortError')),
    () => undefined,
  );
  const signal = AbortSignal.any([outer, deadline.signal]);
  try {
    const { host, checks } = await findTarget(request, ports, signal);
    const results = await evaluatePrechecks({
      prechecks: rule.prechecks,
      event: request.event,
      target: host,
      fleet: ports.fleet,
      probe: ports.probe,
      clock,
      log: ports.log,
      signal,
    });
    return [...checks, ...results];
  } finally {
    timer.abort(NO_LONGER_NEEDED);
  }
}

/** The host as the provider has it now; that it may be acted on is a check of its own. */
async function findTarget(
  { event, hostId }: BallotRequest,
  { fleet, clock }: LoneVoterPorts,
  signal: AbortSignal,
): Promise<{ readonly host: Host | undefined; readonly checks: readonly CheckResult[] }> {
  if (hostId === undefined) return { host: undefined, checks: [] };
  const startedMs = clock.monotonic();
  const result = (part: Pick<CheckResult, 'verdict' | 'reason' | 'evidence'>): CheckResult => ({
    check: 'Target',
    ...part,
    durationMs: clock.monotonic() - startedMs,
  });
  try {
    const host = await withTimeout(clock, READ_TIMEOUT_MS, signal, (within) =>
      fleet.find({ service: event.service, host: hostId }, { signal: within }),
    );
    const problem = targetRefusal(host, { hostId, environment: event.environment });
    if (host === undefined || problem !== undefined)
      return { host: undefined, checks: [result({ verdict: 'fail', reason: problem ?? 'unknown' })] };
    const evidence = { host_id: hostId, zone: host.zone, state: host.state, lifecycle: host.lifecycle };
    return { host, checks: [result({ verdict: 'pass', evidence })] };
  } catch (error) {
    const reason = `the fleet could not be read: ${describeError(error)}`;
    return { host: undefined, checks: [result({ verdict: 'fail', reason })] };
  }
}
