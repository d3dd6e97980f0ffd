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
const PROBE_TIMEOUT_MS = 2_000;
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
  const shared = new SharedReadings(input);
  const checks = createSlots(CHECKS_AT_ONCE);
  return Promise.all(input.prechecks.map((bound) => checks.run(() => evaluate(bound, input, shared))));
}

/** What all checks of one evaluation share. */
class SharedReadings implements Pick<PreconditionContext, 'fleet' | 'probe' | 'event' | 'target'> {
  readonly target: Host | undefined;
  readonly #input: PrecheckInput;
  readonly #probes = createSlots(PROBES_AT_ONCE);
  readonly #reports = new Map<string, Promise<HealthReport>>();
  #snapshot: Promise<FleetSnapshot> | undefined;
  #event: LazarusEvent | undefined;

  constructor(input: PrecheckInput) {
    this.#input = input;
    this.target = frozenCopy(input.target);
  }

  get event(): LazarusEvent {
    return (this.#event ??= frozenCopy(this.#input.event));
  }

  readonly fleet = (): Promise<FleetSnapshot> => (this.#snapshot ??= this.#list());

  readonly probe = (host: Host): Promise<HealthReport> => {
    const known = this.#reports.get(host.hostId) ?? this.#report(host);
    this.#reports.set(host.hostId, known);
    return known;
  };

  async #list(): Promise<FleetSnapshot> {
    const { fleet, event, signal } = this.#input;
    return frozenCopy(await fleet.list(event.service, { signal }));
  }

  async #report(host: Host): Promise<HealthReport> {
    const { clock, probe, signal, probeTimeoutMs: timeoutMs = PROBE_TIMEOUT_MS } = this.#input;
    const report = await this.#probes.run(() =>
      // The probe keeps its own time; this bound is for one that does not.
      withTimeout(clock, timeoutMs + PROBE_GRACE_MS, signal, (within) =>
        probe.probe(host, { timeoutMs, signal: within }),
      ),
    );
    return frozenCopy(report);
  }
}

/**
 * What one check is given. All contexts share their getters: each object literal with a getter has a shape of its own,
 * which costs more than most checks and stays until the next full collection. They are the object's own, so that a copy
 * by spread has what they give.
 */
class CheckContext implements PreconditionContext {
  declare readonly event: LazarusEvent;
  declare readonly signal: AbortSignal;
  readonly target: Host | undefined;
  readonly fleet: PreconditionContext['fleet'];
  readonly probe: PreconditionContext['probe'];
  readonly params: unknown;
  readonly zone: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly #shared: SharedReadings;
  readonly #within: LateSignal;
  static readonly #whenAsked = {
    event: {
      enumerable: true,
      get(this: CheckContext): LazarusEvent {
        return this.#shared.event;
      },
    },
    signal: {
      enumerable: true,
      get(this: CheckContext): AbortSignal {
        return this.#within.signal;
      },
    },
  };

  constructor(bound: BoundPrecondition, input: PrecheckInput, shared: SharedReadings, within: LateSignal) {
    this.target = shared.target;
    this.fleet = shared.fleet;
    this.probe = shared.probe;
    this.params = frozenCopy(bound.params);
    this.zone = input.probe.zone;
    this.clock = input.clock;
    this.log = input.log;
    this.#shared = shared;
    this.#within = within;
    Object.defineProperties(this, CheckContext.#whenAsked);
  }
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
    const answer: unknown = bound.definition.check(new CheckContext(bound, input, shared, within));
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
