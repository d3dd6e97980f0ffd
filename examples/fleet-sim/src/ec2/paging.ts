import { ApiError, invalidParameter } from '../wire/api-error.ts';
import type { QueryParameters } from '../wire/query-parameters.ts';

export interface Page<T> {
  readonly items: readonly T[];
  readonly nextToken: string | undefined;
}

/**
 * Cuts a page out of `items` by `MaxResults` (5 to 1000, as EC2 has it) and `NextToken`.
 *
 * `rankOf` is the item's fixed place in the whole region. The token carries the last rank given out, so that items
 * which come, go or change between two pages are neither doubled nor skipped.
 *
 * @throws ApiError `InvalidParameterCombination`, `InvalidParameterValue`.
 */
export function cutPage<T>(
  parameters: QueryParameters,
  items: readonly T[],
  rankOf: (item: T) => number,
): Page<T> {
  const size = parameters.integer('MaxResults');
  if (size !== undefined && (size < 5 || size > 1_000)) {
    throw invalidParameter(
      `Value ( ${size} ) for parameter maxResults is invalid. Expecting a value between 5 and 1000.`,
    );
  }
  if (size !== undefined && parameters.list('InstanceId').length > 0) {
    throw new ApiError(
      'InvalidParameterCombination',
      'The parameter instancesSet cannot be used with the parameter maxResults',
    );
  }
  const after = readToken(parameters.text('NextToken'));
  const rest = items.filter((item) => rankOf(item) > after);
  const page = rest.slice(0, size);
  const last = page.at(-1);
  const isCut = last !== undefined && page.length < rest.length;
  return {
    items: page,
    nextToken: isCut ? Buffer.from(`after:${rankOf(last)}`).toString('base64') : undefined,
  };
}

function readToken(token: string | undefined): number {
  if (token === undefined || token === '') return -1;
  const rank = /^after:(\d{1,9})$/.exec(Buffer.from(token, 'base64').toString())?.[1];
  if (rank === undefined) throw invalidParameter('Unable to parse pagination token');
  return Number(rank);
}
