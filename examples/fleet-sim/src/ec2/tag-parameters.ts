import { ApiError, invalidParameter } from '../wire/api-error.ts';
import type { QueryParameters } from '../wire/query-parameters.ts';

const MAX_TAGS = 50;

/**
 * Reads tags at `path` and refuses what EC2 refuses.
 *
 * @throws ApiError `InvalidParameterValue` for a reserved, empty, doubled or over-long key.
 */
export function readTags(parameters: QueryParameters, path: string): Record<string, string> {
  const tags: Record<string, string> = {};
  for (const tag of parameters.structures(path)) {
    const key = tag.required('Key');
    if (/^aws:/i.test(key))
      throw invalidParameter(`Tag keys starting with 'aws:' are reserved for internal use`);
    if (key.length > 127) throw invalidParameter(`Tag key exceeds the maximum length of 127 characters`);
    if (key in tags) throw invalidParameter(`Duplicate tag key '${key}' specified.`);
    const value = tag.text('Value') ?? '';
    if (value.length > 255) throw invalidParameter(`Tag value exceeds the maximum length of 255 characters`);
    tags[key] = value;
  }
  return tags;
}

/** @throws ApiError `TagLimitExceeded`; tags that the provider sets itself do not count. */
export function refuseTooManyTags(tags: Record<string, string>): void {
  if (Object.keys(tags).filter((key) => !key.startsWith('aws:')).length <= MAX_TAGS) return;
  throw new ApiError('TagLimitExceeded', `More than ${MAX_TAGS} tags on one resource`);
}

/** Tags as EC2 lists them. */
export function tagSet(tags: Record<string, string>): { item: { key: string; value: string }[] } {
  return { item: Object.entries(tags).map(([key, value]) => ({ key, value })) };
}
