import { PortError } from '@lazarus/core';

/** What a failed call means for the one who made it. */
export type KinesisFailure =
  /** Too many calls: wait and go on with the same iterator. */
  | 'throttled'
  /** The iterator is older than 5 min: make a new one. Trying it again would fail forever. */
  | 'iterator_expired'
  /** The stream or shard does not exist (any more). */
  | 'not_found'
  /** Rights, keys or arguments: only a person can change that. */
  | 'refused'
  /** Network, timeout, server error: wait and try again. */
  | 'transient';

const BY_NAME: Readonly<Record<string, KinesisFailure>> = {
  ProvisionedThroughputExceededException: 'throttled',
  LimitExceededException: 'throttled',
  KMSThrottlingException: 'throttled',
  ThrottlingException: 'throttled',
  ExpiredIteratorException: 'iterator_expired',
  ResourceNotFoundException: 'not_found',
  AccessDeniedException: 'refused',
  InvalidArgumentException: 'refused',
  ValidationException: 'refused',
  UnrecognizedClientException: 'refused',
  InvalidSignatureException: 'refused',
  CredentialsProviderError: 'refused',
};

/**
 * Sorts a failure of a call.
 *
 * @remarks Source: error lists of GetRecords, GetShardIterator and PutRecord in the Kinesis API reference.
 */
export function classifyFailure(error: unknown): KinesisFailure {
  const name = error instanceof Error ? error.name : '';
  return BY_NAME[name] ?? 'transient';
}

/** Error of a failed deposit. Sending again is safe: an event id is counted once. */
export function depositError(streamName: string, error: unknown): PortError {
  const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  const failure = classifyFailure(error);
  return new PortError({
    code: 'LZ_STREAM_DEPOSIT',
    message: `stream ${streamName} did not accept the event (${reason}): send it again`,
    details: { stream: streamName, failure },
    retryable: failure === 'throttled' || failure === 'transient',
    cause: error,
  });
}

/** Error of a failed read. Reading goes on by itself, whatever the cause, so that a repair needs no restart. */
export function readError(streamName: string, error: unknown): PortError {
  const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return new PortError({
    code: 'LZ_STREAM_READ',
    message: `stream ${streamName} cannot be read (${reason}): check endpoint and credentials`,
    details: { stream: streamName, failure: classifyFailure(error) },
    retryable: true,
    cause: error,
  });
}
