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
