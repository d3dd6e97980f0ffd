/**
 * One node's vote. A voter believes nothing that the question says about the world: it takes the rule from its own
 * configuration, the host from its own view of the fleet, and asks the host itself, from its own zone.
 *
 * Invariants:
 * S2: yes only when every check passed in time; anything else is no.
 * S7: an event that another node received counts here, too, so that this node's count of a storm is its own.
 * S8: a vote without any check is no.
 * S9: an event that is stale by this node's clock, or a host that was dealt with already, is never voted for.
 * S15: the vote is cast with the configuration that the ballot names, which may be one that was replaced a moment ago; a
 *      node that does not have it says no, names its own, and the vote is void.
 * S16: a host that is unknown, protected or has not opted in is never voted for.
 * S18: only members are answered.
 */
import { canonicalEventId, describeError, evaluatePrechecks, PortError } from '@lazarus/core';
import { ageRefusal, entityBound, observedEntity, targetRefusal } from '@lazarus/core/gates';
import type { Alarms } from '@lazarus/core/time';
import { createAlarms, withTimeout } from '@lazarus/core/time';
import type { Snapshot } from '@lazarus/core';
import type { EffectiveRule } from '@lazarus/core/config';
import type {
  CheckResult,
  Clock,
  Fleet,
  HealthProbe,
  Host,
  Logger,
  Windows,
  WindowView,
} from '@lazarus/core/ports';
import type { Answer, Question } from '../ballot/messages.ts';
import { QuestionSchema } from '../ballot/messages.ts';
import { readPlainQuestion } from '../ballot/read-message.ts';
import type { Membership } from '../coordinator/membership.ts';

/** A voter stops looking when this share of the time is over, so that its no (and why) still arrives in time. */
const ANSWER_WITHIN = 0.9;
/** Longest wait for the voter's own view of the fleet or of the windows. */
const READ_TIMEOUT_MS = 5_000;

/** Turns of the microtasks within which a vote from memory is done. */
const TURNS = 32;
const NEXT_TURN = Promise.resolve();

/** What a voter works with; all of it is the node's own. */
export interface VoterPorts {
  readonly clock: Clock;
  readonly log: Logger;
  readonly fleet: Fleet;
  /** Looks from this node's zone. */
  readonly probe: HealthProbe;
  /** The configuration that a ballot names, or the one in force; see `SnapshotShelf.forBallot` of core. */
  readonly snapshot: (digest: string) => Snapshot | undefined;
  /** This node's own counts; when given, the event of a ballot counts in them, and the vote is no while they are over the bounds. */
  readonly windows?: Windows;
}

/** Who asks, and until when the answer is of interest. */
export interface VoteContext {
  readonly from: string;
  readonly signal: AbortSignal;
}

interface BoundedPorts extends VoterPorts {
  readonly alarms: Alarms;
}

/** Answers ballots. */
export interface Voter {
  readonly id: string;
  /** @throws PortError `LZ_VOTE_TRANSPORT` for a question that is malformed or comes from a stranger. */
  answer(question: unknown, context: VoteContext): Promise<Answer>;
}

/** Creates the voter of one member. */
export function createVoter(
  options: { readonly self: string; readonly membership: Membership },
  ports: VoterPorts,
): Voter {
  const { self, membership } = options;
  const bounded = { ...ports, alarms: createAlarms(ports.clock, ports) };
  return {
    id: self,
    answer: async (received, context) => {
      const question = readQuestion(received, context.from, membership);
      const bind = (verdict: Answer['verdict'], checks: readonly CheckResult[]): Answer => ({
        version: 1,
        decision_id: question.decision_id,
        config_digest: snapshot?.digest ?? '',
        membership_epoch: membership.epoch,
        nonce: question.nonce,
        expires_at: question.expires_at,
        voter: self,
        zone: ports.probe.zone,
        verdict,
        checks: checks as Answer['checks'],
      });
      // S15: one snapshot per vote, whatever is loaded meanwhile.
      const snapshot = ports.snapshot(question.config_digest);
      if (snapshot?.digest !== question.config_digest)
        return bind('no', [otherConfiguration(question, snapshot)]);
      if (membership.epoch !== question.membership_epoch) return bind('no', []);
      const checks = await examine(question, snapshot, bounded, context);
      const isYes = checks.length > 0 && checks.every((check) => check.verdict === 'pass');
      return bind(isYes ? 'yes' : 'no', checks);
    },
  };
}

function readQuestion(received: unknown, from: string, membership: Membership): Question {
  const refuse = (why: string): never => {
    throw new PortError({
      code: 'LZ_VOTE_TRANSPORT',
      message: `a question from ${from} was refused: ${why}`,
      retryable: false,
    });
  };
  if (!membership.members.some((member) => member.id === from)) refuse('it is not a member');
  const question = readPlainQuestion(received) ?? parseQuestion(received, refuse);
  if (question.coordinator !== from) refuse(`it claims to come from ${question.coordinator}`);
  return question;
}

function parseQuestion(received: unknown, refuse: (why: string) => never): Question {
  const parsed = QuestionSchema.safeParse(received);
  if (parsed.success) return parsed.data;
  return refuse(`it is malformed at ${parsed.error.issues[0]?.path.join('.') ?? 'the root'}`);
}

function otherConfiguration(question: Question, snapshot: Snapshot | undefined): CheckResult {
  const mine = snapshot === undefined ? 'none' : snapshot.digest.slice(0, 12);
  const reason = `the ballot names configuration ${question.config_digest.slice(0, 12)}, which this node does not have; it has ${mine}`;
  return { check: 'Configuration', verdict: 'fail', reason, durationMs: 0 };
}

/** Looks for itself, and ends in time: with what is known by then. */
async function examine(
  question: Question,
  snapshot: Snapshot,
  ports: BoundedPorts,
  context: VoteContext,
): Promise<readonly CheckResult[]> {
  const startedMs = ports.clock.monotonic();
  const work = new AbortController();
  let found: readonly CheckResult[] | undefined;
  const looking = look(question, snapshot, ports, work.signal, startedMs).then((checks) => {
    found = checks;
    return checks;
  });
  const known = (): readonly CheckResult[] | undefined => found;
  // What is in memory is known within a few turns, and costs neither a timer nor a listener.
  for (let turn = 0; turn < TURNS && known() === undefined; turn += 1) await NEXT_TURN;
  const atOnce = known();
  if (atOnce !== undefined) return atOnce;
  const outer = context.signal;
  const onAbort = (): void => work.abort(outer.reason);
  outer.addEventListener('abort', onAbort, { once: true });
  if (outer.aborted) onAbort();
  const alarm = ports.alarms.set(startedMs + question.expires_in_ms * ANSWER_WITHIN, () =>
    work.abort(new DOMException('the ballot is about to end', 'AbortError')),
  );
  try {
    return await looking;
  } finally {
    outer.removeEventListener('abort', onAbort);
    alarm.cancel();
  }
}

async function look(
  question: Question,
  snapshot: Snapshot,
  ports: VoterPorts,
  signal: AbortSignal,
  startedMs: number,
): Promise<readonly CheckResult[]> {
  const { clock } = ports;
  const rule = snapshot.rule(question.rule, question.event);
  if (rule === undefined)
    return [failure('Rule', `rule ${question.rule} does not exist here`, startedMs, clock)];
  const tooOld =
    question.revalidates === true ? undefined : ageRefusal(question.event, rule.staleAfterMs, clock.now());
  if (tooOld !== undefined) return [failure('EventAge', tooOld, startedMs, clock)];
  const [target, windows] = await Promise.all([
    findTarget(question, ports, signal),
    checkWindows(question, rule, ports, signal),
  ]);
  const checks = await evaluatePrechecks({
    prechecks: rule.prechecks,
    event: question.event,
    target: target.host,
    fleet: ports.fleet,
    probe: ports.probe,
    clock,
    log: ports.log,
    signal,
  });
  return [...target.checks, ...windows, ...checks];
}

/** Finds the host in this node's own view; that it may be acted on is a check of its own. Keeps S16. */
async function findTarget(
  question: Question,
  ports: VoterPorts,
  signal: AbortSignal,
): Promise<{ readonly host: Host | undefined; readonly checks: readonly CheckResult[] }> {
  const hostId = question.host_id;
  if (hostId === undefined) return { host: undefined, checks: [] };
  const startedMs = ports.clock.monotonic();
  const fail = (reason: string): { host: undefined; checks: CheckResult[] } => ({
    host: undefined,
    checks: [failure('Target', reason, startedMs, ports.clock)],
  });
  try {
    const reference = { service: question.event.service, host: hostId };
    const host = await withTimeout(ports.clock, READ_TIMEOUT_MS, signal, (within) =>
      ports.fleet.find(reference, { signal: within }),
    );
    const refusal = targetRefusal(host, { hostId, environment: question.event.environment });
    if (host === undefined || refusal !== undefined) return fail(refusal ?? `${hostId} is unknown`);
    const evidence = { host_id: hostId, zone: host.zone, state: host.state, lifecycle: host.lifecycle };
    return {
      host,
      checks: [
        { check: 'Target', verdict: 'pass', evidence, durationMs: ports.clock.monotonic() - startedMs },
      ],
    };
  } catch (error) {
    return fail(`the fleet could not be read: ${describeError(error)}`);
  }
}

/** This node's own counts: no while they are over the bounds, also when the shared ones are not. Keeps S7. */
async function checkWindows(
  question: Question,
  rule: EffectiveRule,
  ports: VoterPorts,
  signal: AbortSignal,
): Promise<readonly CheckResult[]> {
  const { windows, clock } = ports;
  if (windows === undefined) return [];
  const startedMs = clock.monotonic();
  const { region, service } = question.event;
  try {
    const view = await withTimeout(clock, READ_TIMEOUT_MS, signal, () => countAndView(question, windows));
    if (view.breaker.state !== 'closed')
      return [
        failure(
          'LocalWindows',
          `the breaker of ${region} is ${view.breaker.state} here`,
          startedMs,
          clock,
          view,
        ),
      ];
    const max = entityBound(rule.limits, await knownHosts(rule, service, ports, signal));
    if (view.entities > max)
      return [
        failure(
          'LocalWindows',
          `${view.entities} of ${service} are failing by this node's count, ${max} are allowed`,
          startedMs,
          clock,
          view,
        ),
      ];
    const durationMs = clock.monotonic() - startedMs;
    return [{ check: 'LocalWindows', verdict: 'pass', evidence: countsOf(view), durationMs }];
  } catch (error) {
    return [
      failure('LocalWindows', `the counts could not be read: ${describeError(error)}`, startedMs, clock),
    ];
  }
}

/**
 * Counts the event of the ballot and looks. An event id counts once, however many ballots are about it; one that is put
 * again before a run acts is about an event from long ago, and a supposed one is about none.
 */
function countAndView(question: Question, windows: Windows): WindowView | PromiseLike<WindowView> {
  const { event, host_id: hostId } = question;
  const { region, service } = event;
  if (question.revalidates === true || question.supposed === true) return windows.view({ region, service });
  const eventId = canonicalEventId(event);
  return windows.observe({ eventId, region, service, entity: observedEntity(event, hostId) });
}

function countsOf({ entities, breaker, counted }: WindowView): NonNullable<CheckResult['evidence']> {
  return { entities, services: breaker.services, ...(counted === undefined ? {} : { counted }) };
}

/** How many hosts there are, where the bound is a share of them; `undefined` when that cannot be told. Keeps S8. */
async function knownHosts(
  rule: EffectiveRule,
  service: string,
  ports: VoterPorts,
  signal: AbortSignal,
): Promise<number | undefined> {
  if (rule.limits.maxEntitiesFraction === undefined) return undefined;
  const list = await withTimeout(ports.clock, READ_TIMEOUT_MS, signal, (within) =>
    ports.fleet.list(service, { signal: within }),
  );
  return list.complete ? list.hosts.length : undefined;
}

function failure(
  check: string,
  reason: string,
  startedMs: number,
  clock: Clock,
  view?: WindowView,
): CheckResult {
  const evidence = view === undefined ? {} : { evidence: countsOf(view) };
  return { check, verdict: 'fail', reason, ...evidence, durationMs: clock.monotonic() - startedMs };
}
