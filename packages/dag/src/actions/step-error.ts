import { ConfigurationError, describeError, isLazarusError, PortError } from '@lazarus/core';

/**
 * Class of an error, as `retry.on` names it. `transient`: may pass. `timeout`: no answer in time, the effect may have
 * happened. `permanent`: trying again changes nothing. `stopped`: a safe point refused, nothing was tried.
 */
export type StepErrorClass = 'transient' | 'timeout' | 'permanent' | 'stopped';

/** An error as it is journaled: no stack, nothing that differs on replay. */
export interface StepError {
  readonly code: string;
  readonly message: string;
  readonly class: StepErrorClass;
  readonly retryable: boolean;
  readonly retryAfterMs?: number;
  /** Its effect may be there nevertheless, wholly or in part. Missing in journals of earlier versions. */
  readonly mayHaveHappened?: true;
}

/**
 * What a body throws when its effect may be there although it failed: the failure itself, marked so that the journal
 * tells. Keeps S6 and S12.
 */
export class EffectUnknownError extends Error {
  constructor(cause: unknown) {
    super('the effect may have happened', { cause });
    this.name = 'EffectUnknownError';
  }
}

const REFUSALS: ReadonlySet<string> = new Set([
  'LZ_ACTUATOR_REFUSED',
  'LZ_ACTUATOR_PROTECTED',
  'LZ_BUDGET_REFUSED',
  'LZ_BUDGET_UNAVAILABLE',
  'LZ_PROBE_REFUSED',
  'LZ_PORT_MISSING',
]);

/** Whether it says by its code that a call was refused and nothing was done. */
export function isRefusal(error: unknown): boolean {
  return isLazarusError(error) && REFUSALS.has(error.code) && !isRetryable(error);
}

const MAX_MESSAGE = 500;

/** Makes a journaled error. */
export function stepError(code: string, message: string, errorClass: StepErrorClass): StepError {
  return {
    code,
    message: message.slice(0, MAX_MESSAGE),
    class: errorClass,
    retryable: errorClass === 'transient' || errorClass === 'timeout',
  };
}

/** Turns whatever an action threw into a value. Only a port knows that a failure may pass; anything else is final. */
export function toStepError(error: unknown): StepError {
  if (error instanceof EffectUnknownError) return { ...toStepError(error.cause), mayHaveHappened: true };
  if (isLazarusError(error)) {
    const errorClass = isRetryable(error) ? 'transient' : 'permanent';
    const converted = stepError(error.code, error.message, errorClass);
    const retryAfterMs = error instanceof PortError ? error.retryAfterMs : undefined;
    return retryAfterMs === undefined ? converted : { ...converted, retryAfterMs };
  }
  if (error instanceof DOMException && error.name === 'TimeoutError') {
    return stepError('LZ_WORKFLOW_STEP_TIMEOUT', error.message, 'timeout');
  }
  return stepError('LZ_WORKFLOW_STEP_FAILED', describeError(error), 'permanent');
}

function isRetryable(error: object): boolean {
  if (error instanceof ConfigurationError) return false;
  return 'retryable' in error && error.retryable === true;
}
