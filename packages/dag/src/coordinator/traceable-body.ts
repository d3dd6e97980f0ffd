/**
 * What every attempt has around it: the next one waits for the last one, and a failure that may have left an effect behind
 * is marked, so that the journal tells. Keeps S1, S6 and S12.
 */
import type { Json } from '@lazarus/core/ports';
import type { Action } from '../actions/action.ts';
import { EffectUnknownError, isRefusal } from '../actions/step-error.ts';
import type { BodyContext, StepBody } from './run-handle.ts';

/**
 * How far the effect of an attempt has come. `maybe`: an earlier attempt may have had it. `began`: the action was called.
 * `answered`: the action was called and ended well.
 */
type Reached = 'nothing' | 'maybe' | 'began' | 'answered';

/** Told by a body how far it has come. */
export class EffectTrace {
  readonly #reached = new Set<Reached>();

  reached(point: Reached): void {
    this.#reached.add(point);
  }

  /**
   * Whether there may be an effect although the body failed. Only what refuses by its code has none, and only when nothing
   * may have happened before it.
   */
  mayHaveHappened(error: unknown): boolean {
    if (this.#reached.has('maybe') || this.#reached.has('answered')) return true;
    return this.#reached.has('began') && !isRefusal(error);
  }
}

/** Bodies that have not settled, by run and step. */
const inFlight = new WeakMap<object, Map<string, Promise<unknown>>>();

/**
 * Puts around a body what it needs to leave no effect unseen.
 *
 * A call that outlived its attempt and does not obey its signal could have its effect after the next attempt has asked
 * whether it happened. So the next attempt waits for it, no longer than its own time: the step then ends as `unknown`.
 * Actions that may be repeated with the same key do not need that.
 *
 * @param run - the same object for all attempts of a run in this process.
 */
export function traceable(
  run: object,
  step: string,
  action: Action,
  body: (context: BodyContext, trace: EffectTrace) => Promise<Json>,
): StepBody {
  const traced = async (context: BodyContext): Promise<Json> => {
    const trace = new EffectTrace();
    try {
      return await body(context, trace);
    } catch (error) {
      throw !action.readOnly && trace.mayHaveHappened(error) ? new EffectUnknownError(error) : error;
    }
  };
  if (action.idempotent) return traced;
  const bodies = inFlight.get(run) ?? new Map<string, Promise<unknown>>();
  inFlight.set(run, bodies);
  return async (context) => {
    await lastOf(bodies, step, context.signal);
    const running = traced(context);
    bodies.set(step, running);
    return running.finally(() => bodies.delete(step));
  };
}

/** Resolves when the last body of the step has settled. @throws the reason of the signal when it aborts before. */
async function lastOf(
  bodies: ReadonlyMap<string, Promise<unknown>>,
  step: string,
  signal: AbortSignal,
): Promise<void> {
  const last = bodies.get(step);
  if (last === undefined) return;
  const aborted = Promise.withResolvers<undefined>();
  const onAbort = (): void => aborted.resolve(undefined);
  signal.addEventListener('abort', onAbort, { once: true });
  if (!signal.aborted) await Promise.race([last.catch(() => undefined), aborted.promise]);
  signal.removeEventListener('abort', onAbort);
  signal.throwIfAborted();
}
