import { isLazarusError, PortError } from '@lazarus/core';

/** What a refusal or failure of the provider means. */
export type ProviderFailure =
  /** Too many calls: the provider is well, wait. */
  | 'throttled'
  /** No machine of this kind is free in this zone: another zone may have one. */
  | 'no_capacity'
  /** The provider does not know the instance; right after a launch it may just not know it yet. */
  | 'not_found'
  /** The instance is in a state in which this cannot be done now. */
  | 'wrong_state'
  /** Server error, network, timeout. */
  | 'transient'
  /** Rights, limits, protection, wrong arguments: trying again changes nothing. */
  | 'refused';

const BY_CODE: Readonly<Record<string, ProviderFailure>> = {
  RequestLimitExceeded: 'throttled',
  Throttling: 'throttled',
  ThrottlingException: 'throttled',
  ThrottledException: 'throttled',
  TooManyRequestsException: 'throttled',
  EC2ThrottledException: 'throttled',
  InsufficientInstanceCapacity: 'no_capacity',
  InsufficientHostCapacity: 'no_capacity',
  InsufficientCapacity: 'no_capacity',
  Unsupported: 'no_capacity',
  'InvalidInstanceID.NotFound': 'not_found',
  IncorrectInstanceState: 'wrong_state',
  IncorrectState: 'wrong_state',
  InvalidTargetException: 'wrong_state',
  InternalError: 'transient',
  InternalFailure: 'transient',
  InternalServiceErrorException: 'transient',
  Unavailable: 'transient',
  ServiceUnavailable: 'transient',
  RequestTimeout: 'transient',
  RequestTimeoutException: 'transient',
  TimeoutError: 'transient',
};

function statusOf(error: unknown): number | undefined {
  const metadata = (error as { $metadata?: { httpStatusCode?: unknown } } | null)?.$metadata;
  return typeof metadata?.httpStatusCode === 'number' ? metadata.httpStatusCode : undefined;
}

/**
 * Sorts a failure of a call.
 *
 * @remarks Source: "Error codes for the Amazon EC2 API"; errors of the Elastic Load Balancing v2 actions.
 */
export function classifyFailure(error: unknown): ProviderFailure {
  const known = error instanceof Error ? BY_CODE[error.name] : undefined;
  if (known !== undefined) return known;
  const status = statusOf(error);
  // Without a status nothing was answered: the network failed.
  return status === undefined || status >= 500 || status === 429 ? 'transient' : 'refused';
}

function describe(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

/**
 * Error of a failed call that changes something: `LZ_ACTUATOR_TRANSIENT` when the same call, with the same idempotency
 * key, may work later, else `LZ_ACTUATOR_REFUSED`.
 *
 * @param what - The action and its target, for the message (`TerminateInstances i-0abc`).
 */
export function actuatorError(what: string, error: unknown): unknown {
  if (isLazarusError(error)) return error;
  const failure = classifyFailure(error);
  const retryable = failure !== 'refused' && failure !== 'no_capacity';
  return new PortError({
    code: retryable ? 'LZ_ACTUATOR_TRANSIENT' : 'LZ_ACTUATOR_REFUSED',
    message: `${what} failed (${describe(error)})`,
    details: { failure, provider_code: error instanceof Error ? error.name : undefined },
    retryable,
    cause: error,
  });
}

/** Error of a failed look at the fleet. */
export function fleetError(what: string, error: unknown): unknown {
  if (isLazarusError(error)) return error;
  const failure = classifyFailure(error);
  return new PortError({
    code: 'LZ_FLEET_UNAVAILABLE',
    message: `the provider did not list ${what} (${describe(error)}): nothing is acted on until it answers`,
    details: { failure },
    retryable: failure !== 'refused',
    cause: error,
  });
}
