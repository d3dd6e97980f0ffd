import { isLazarusError, PortError } from '@lazarus/core';

const THROTTLED = new Set([
  'RequestLimitExceeded',
  'Throttling',
  'ThrottlingException',
  'TooManyRequestsException',
]);
const TRANSIENT = new Set([
  'InternalError',
  'InternalFailure',
  'Unavailable',
  'ServiceUnavailable',
  'TimeoutError',
  'RequestTimeout',
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
]);
/** A fresh instance is not known everywhere at once: these mean "not yet" right after a launch. */
const EVENTUALLY = new Set([
  'InvalidInstanceID.NotFound',
  'InvalidTarget',
  'InvalidTargetException',
  'IncorrectState',
  'IncorrectInstanceState',
]);

/** What a failed call of the provider means for the one who made it. */
export type AwsFailure = 'throttled' | 'transient' | 'not_yet' | 'refused';

/**
 * Sorts a failure. No capacity, limits, rights and wrong arguments are `refused`: only a person or another zone helps.
 *
 * @remarks Source: the SDK's behavior for each code, measured; EC2 error code reference.
 */
export function classifyFailure(error: unknown): AwsFailure {
  const { name, code } = error as { name?: string; code?: string };
  const known = [name, code].filter((value) => value !== undefined);
  if (known.some((value) => THROTTLED.has(value))) return 'throttled';
  if (known.some((value) => TRANSIENT.has(value))) return 'transient';
  if (known.some((value) => EVENTUALLY.has(value))) return 'not_yet';
  return 'refused';
}

/**
 * Makes one call of an actuator; what the provider says becomes a typed error.
 *
 * @throws PortError `LZ_ACTUATOR_TRANSIENT` (retryable) or `LZ_ACTUATOR_REFUSED`, or the signal's reason.
 */
export async function act<T>(what: string, signal: AbortSignal, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    signal.throwIfAborted();
    if (isLazarusError(error)) throw error;
    const failure = classifyFailure(error);
    const passes = failure !== 'refused';
    throw new PortError({
      code: passes ? 'LZ_ACTUATOR_TRANSIENT' : 'LZ_ACTUATOR_REFUSED',
      message: `${what}: the provider answered ${describe(error)}${passes ? ', which may pass' : ''}`,
      details: { what, failure, provider_code: (error as Error).name },
      retryable: passes,
      cause: error,
    });
  }
}

/** Reads from the provider. @throws PortError `LZ_FLEET_UNAVAILABLE`, or the signal's reason. */
export async function look<T>(
  what: string,
  signal: AbortSignal | undefined,
  call: () => Promise<T>,
): Promise<T> {
  try {
    return await call();
  } catch (error) {
    signal?.throwIfAborted();
    throw new PortError({
      code: 'LZ_FLEET_UNAVAILABLE',
      message: `${what}: the provider answered ${describe(error)}`,
      details: { what, provider_code: (error as Error).name },
      retryable: classifyFailure(error) !== 'refused',
      cause: error,
    });
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? `${error.name} (${error.message})` : String(error);
}
