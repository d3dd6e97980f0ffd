/**
 * One node's part of a ballot: runs every precheck of a rule and collects the results.
 *
 * Checks run side by side, within a bound, and share one reading of the fleet and one probe per host. Each gets frozen
 * input and its own timeout. A check that throws, hangs, or answers something else than a verdict has failed, with the
 * reason; nothing a check does can make the evaluation reject.
 *
 * Invariants:
 * S2: error, timeout and nonsense count as no.
 * S8: the fleet that cannot be read fails every check that needs it.
 */
import { describeError } from '../errors/lazarus-error.ts';
import type { LazarusEvent } from '../events/event.ts';
import type { Clock } from '../ports/clock.ts';
import type { Fleet, FleetSnapshot, Host } from '../ports/fleet.ts';
import type { HealthProbe, HealthReport } from '../ports/health-probe.ts';
import type { Logger } from '../ports/logger.ts';
import type { CheckResult } from '../ports/voters.ts';
import { isTimeout, withTimeout } from '../time/with-timeout.ts';
import { frozenCopy } from './frozen-copy.ts';
import type { BoundPrecondition, PreconditionContext } from './precondition.ts';
import { readVerdict } from './read-verdict.ts';
import { createSlots } from './slots.ts';

const CHECKS_AT_ONCE = 8;
const PROBES_AT_ONCE = 16;
const PROBE_GRACE_MS = 250;

/** What {@link evaluatePrechecks} needs to know. */
export interface PrecheckInput {
  readonly prechecks: readonly BoundPrecondition[];
  readonly event: LazarusEvent;
  /** The host in question, as this node's own view of the fleet has it. */
  readonly target: Host | undefined;
  readonly fleet: Pick<Fleet, 'list'>;
  readonly probe: HealthProbe;
  readonly clock: Clock;
  readonly log: Logger;
  /** Ends the evaluation: whatever is not done by then has failed. */
  readonly signal: AbortSignal;
  /** Longest time for one probe. @defaultValue 2000 */
  readonly probeTimeoutMs?: number;
}

/** Runs all prechecks; the results are in the order of the rule. Never rejects. */
export async function evaluatePrechecks(input: PrecheckInput): Promise<readonly CheckResult[]> {
  const shared = shareReadings(input);
  const checks = createSlots(CHECKS_AT_ONCE);
  return Promise.all(input.prechecks.map((bound) => checks.run(() => evaluate(bound, input, shared))));
}

type SharedReadings = Pick<PreconditionContext, 'fleet' | 'probe' | 'event' | 'target'>;

function shareReadings(input: PrecheckInput): SharedReadings {
  const { signal, probe } = input;
  const timeoutMs = input.probeTimeoutMs ?? 2_000;
  const probes = createSlots(PROBES_AT_ONCE);
  const reports = new Map<string, Promise<HealthReport>>();
  let snapshot: Promise<FleetSnapshot> | undefined;
  const list = async (): Promise<FleetSnapshot> =>
    frozenCopy(await input.fleet.list(input.event.service, { signal }));
  const report = async (host: Host): Promise<HealthReport> =>
    frozenCopy(
      await probes.run(() =>
        // The probe keeps its own time; this bound is for one that does not.
        withTimeout(input.clock, timeoutMs + PROBE_GRACE_MS, signal, (probeSignal) =>
          probe.probe(host, { timeoutMs, signal: probeSignal }),
        ),
      ),
    );
  let event: LazarusEvent | undefined;
  return {
    get event() {
      return (event ??= frozenCopy(input.event));
    },
    target: frozenCopy(input.target),
    fleet: () => (snapshot ??= list()),
    probe: (host) => {
      const known = reports.get(host.hostId) ?? report(host);
      reports.set(host.hostId, known);
      return known;
    },
  };
}

async function evaluate(
  bound: BoundPrecondition,
  input: PrecheckInput,
  shared: SharedReadings,
): Promise<CheckResult> {
  const { clock, log, signal } = input;
  const { name } = bound.definition;
  const startedMs = clock.monotonic();
  const result = (part: Pick<CheckResult, 'verdict' | 'reason' | 'evidence'>): CheckResult => ({
    check: name,
    ...part,
    durationMs: clock.monotonic() - startedMs,
  });
  try {
    signal.throwIfAborted();
    const within = new LateSignal();
    const answer: unknown = bound.definition.check(contextOf(bound, input, shared, within));
    // Whatever is known at once needs no timer.
    if (!isPending(answer)) return result(readVerdict(answer));
    const settled: unknown = await withTimeout(clock, bound.timeoutMs, signal, (checkSignal) => {
      within.follow(checkSignal);
      return answer;
    });
    return result(readVerdict(settled));
  } catch (error) {
    const reason = isTimeout(error)
      ? `gave no answer within ${bound.timeoutMs} ms`
      : `failed: ${describeError(error)}`;
    log.warn('a precondition could not be evaluated', { check: name, reason });
    return result({ verdict: 'fail', reason });
  }
}

function contextOf(
  bound: BoundPrecondition,
  { clock, log, probe }: PrecheckInput,
  shared: SharedReadings,
  within: LateSignal,
): PreconditionContext {
  return {
    get event() {
      return shared.event;
    },
    target: shared.target,
    fleet: shared.fleet,
    probe: shared.probe,
    params: frozenCopy(bound.params),
    zone: probe.zone,
    clock,
    log,
    get signal() {
      return within.signal;
    },
  };
}

function isPending(answer: unknown): answer is PromiseLike<unknown> {
  return typeof answer === 'object' && answer !== null && 'then' in answer;
}

/** A signal that is made when somebody asks for it, and follows another from some time on. */
class LateSignal {
  #controller: AbortController | undefined;
  #source: AbortSignal | undefined;

  get signal(): AbortSignal {
    return this.#source ?? (this.#controller ??= new AbortController()).signal;
  }

  follow(source: AbortSignal): void {
    this.#source = source;
    const made = this.#controller;
    if (made !== undefined) source.addEventListener('abort', () => made.abort(source.reason), { once: true });
  }
}
