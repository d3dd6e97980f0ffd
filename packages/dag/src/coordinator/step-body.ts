import { describeError } from '@lazarus/core';
import type { Verdict } from '@lazarus/core';
import type { Clock, Json, Logger } from '@lazarus/core/ports';
import { withTimeout } from '@lazarus/core/time';
import type { Action, ActionContext, ActionPorts, HostTouch } from '../actions/action.ts';
import type { BodyContext, RunRecord, StepBody } from './run-handle.ts';
import type { RunPhase } from './step-state.ts';
import { answerOf } from './journal-json.ts';
import { traceable } from './traceable-body.ts';
import { changedByOthers, sightOf } from './target-watch.ts';
import type { TargetSight } from './target-watch.ts';

/** A place where a run may be stopped before it does anything more. */
export interface StepPoint {
  readonly step: string;
  readonly phase: RunPhase;
  readonly uses: string;
  readonly destructive: boolean;
  /** This step is destructive, and no other destructive step of this run began before it. */
  readonly firstDestructive: boolean;
}

/** Asked last before each effect; a failure stops the run. Never asked before a human is told. */
export type StepGuard = (run: RunRecord, point: StepPoint, signal: AbortSignal) => Promise<Verdict>;

/** What bodies are made with. */
export interface BodyPorts {
  readonly guard: StepGuard;
  readonly ports: ActionPorts;
  readonly clock: Clock;
  readonly log: Logger;
}

/** One attempt, as the driver describes it. */
export interface Attempt {
  readonly run: RunRecord;
  readonly point: StepPoint;
  readonly action: Action;
  readonly input: unknown;
  readonly idempotencyKey: string;
  readonly attempt: number;
  readonly startedAtMs: number;
  readonly previous?: Json;
  /** An earlier attempt of this step ended without a known result. */
  readonly uncertain: boolean;
  /** What the run saw last of its host, and what it has begun to change about it since it began. */
  readonly target?: TargetHistory;
}

/** What a run knows about its host. */
export interface TargetHistory {
  readonly hostId: string;
  readonly seen?: TargetSight;
  readonly own: readonly HostTouch[];
  /** The step itself is about this host. */
  readonly isSubject: boolean;
}

/** What a body journals: the output, or why it did not start. */
export type BodyResult =
  | { readonly output: Json; readonly target?: TargetSight }
  | { readonly stopped: string; readonly code: string; readonly uncertain: boolean };

/**
 * The body of one attempt: "did it happen already?" where an earlier attempt may have had an effect, then a look at the
 * host, then the safe point, then the effect. Nothing stands between the safe point and the effect, so that a pause and a
 * re-validation are as young as can be when it happens. Keeps S3, S4, S12 and S14.
 */
export function stepBody(attempt: Attempt, ports: BodyPorts): StepBody {
  return traceable(ports, attempt.point.step, attempt.action, async (body, trace) => {
    const { action, input, point } = attempt;
    const mayHaveHappened = (body.mayHaveHappened || attempt.uncertain) && !action.readOnly;
    if (mayHaveHappened) trace.reached('maybe');
    const context = actionContext(attempt, ports, body);
    if (mayHaveHappened && action.check !== undefined) {
      const found = await action.check(input, context);
      if (found.happened) return result(action, found.output);
    }
    // Before the guard: a provider may take its time, and what the guard says must not be old when the effect happens.
    const look = await lookAtTarget(attempt, ports, { mayHaveHappened, signal: body.signal });
    if ('touched' in look) {
      return {
        stopped: look.touched,
        code: 'LZ_WORKFLOW_CANCELED',
        uncertain: mayHaveHappened,
      } satisfies BodyResult;
    }
    // S3: what may have begun before a hand-over is judged like what did not: the evidence is as old for both. Refused, it is
    // undone like everything that may have happened. Only another destructive step that began ends the re-validation.
    const verdict = await askGuard(attempt, ports, body.signal);
    if (verdict.verdict === 'fail') {
      return {
        stopped: verdict.reason,
        code: stopCode(verdict, point),
        uncertain: mayHaveHappened,
      } satisfies BodyResult;
    }
    body.signal.throwIfAborted();
    trace.reached('began');
    // Made anew, because the lock may have been taken at the safe point.
    const output = await action.run(input, actionContext(attempt, ports, body));
    trace.reached('answered');
    return result(action, output, look.sight);
  });
}

const LOOKS = 3;
/** Time of all looks together, milliseconds. */
const LOOK_MS = 10_000;
const LOOK_AGAIN_MS = 500;

type Look = { readonly sight?: TargetSight } | { readonly touched: string };

/**
 * A person who changes the host by hand ends automation. As with the page: a provider that does not answer is a no before
 * anything was done, and afterwards no reason to stop half-way.
 */
async function lookAtTarget(
  attempt: Attempt,
  ports: BodyPorts,
  { mayHaveHappened, signal }: { readonly mayHaveHappened: boolean; readonly signal: AbortSignal },
): Promise<Look> {
  const { target, action, point } = attempt;
  const { hosts } = ports.ports;
  const isEffect =
    !action.readOnly && action.requires.some((port) => port === 'hosts' || port === 'loadBalancer');
  if (target === undefined || hosts === undefined || point.phase !== 'steps' || !isEffect) return {};
  try {
    const sight = sightOf(
      await withTimeout(ports.clock, LOOK_MS, signal, (within) =>
        insist(ports.clock, within, () => hosts.describe(target.hostId, { signal: within })),
      ),
    );
    // What a process that died began of this very step is the run's own doing.
    const own = mayHaveHappened && target.isSubject ? [...target.own, action.touches] : target.own;
    const change = target.seen === undefined ? undefined : changedByOthers(target.seen, sight, own);
    return change === undefined
      ? { sight }
      : { touched: `somebody else changed host ${target.hostId}: ${change}` };
  } catch (error) {
    signal.throwIfAborted();
    if (!point.firstDestructive) return {};
    return { touched: `host ${target.hostId} could not be looked at: ${describeError(error)}` };
  }
}

/** A provider that is busy for a moment is asked again. */
async function insist<T>(clock: Clock, signal: AbortSignal, ask: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await ask();
    } catch (error) {
      if (tries >= LOOKS) throw error;
    }
    await clock.sleep(LOOK_AGAIN_MS, { signal });
  }
}

function stopCode(verdict: Verdict, point: StepPoint): string {
  const code = verdict.evidence?.['code'];
  if (typeof code === 'string') return code;
  return point.firstDestructive ? 'LZ_WORKFLOW_REVALIDATION' : 'LZ_WORKFLOW_CANCELED';
}

async function askGuard(attempt: Attempt, ports: BodyPorts, signal: AbortSignal): Promise<Verdict> {
  try {
    return await ports.guard(attempt.run, attempt.point, signal);
  } catch (error) {
    if (signal.aborted) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    return { verdict: 'fail', reason: `the safe point could not be checked: ${reason}` };
  }
}

function result(action: Action, output: unknown, target?: TargetSight): Json {
  const parsed = answerOf(action, output);
  return target === undefined ? { output: parsed } : { output: parsed, target: { ...target } };
}

function actionContext(attempt: Attempt, ports: BodyPorts, body: BodyContext): ActionContext {
  const { run, point } = attempt;
  return {
    run: run.request,
    event: run.request.event,
    step: point.step,
    idempotencyKey: attempt.idempotencyKey,
    attempt: attempt.attempt,
    startedAtMs: attempt.startedAtMs,
    signal: body.signal,
    ports: ports.ports,
    clock: ports.clock,
    log: ports.log,
    ...(attempt.previous === undefined ? {} : { previous: attempt.previous }),
    ...(body.fence === undefined ? {} : { fence: body.fence }),
  };
}
