import { fixedId } from '../fleet/ids.ts';
import { INSTANCE_STATE_CODES } from '../fleet/instance.ts';
import type { InstanceRecord, InstanceState } from '../fleet/instance.ts';
import { ApiError, invalidParameter } from '../wire/api-error.ts';
import type { QueryParameters } from '../wire/query-parameters.ts';

/** An instance as one describe call sees it: its state may be older than the record's. */
export interface SeenInstance {
  readonly record: InstanceRecord;
  readonly state: InstanceState;
}

/** A seen instance with its place in the region, which never changes. */
export interface RankedInstance extends SeenInstance {
  readonly rank: number;
}

type Attribute = (seen: SeenInstance) => readonly string[];

const ATTRIBUTES: Record<string, Attribute> = {
  'availability-zone': ({ record }) => [record.zone],
  'client-token': ({ record }) => (record.clientToken === undefined ? [] : [record.clientToken]),
  'image-id': ({ record }) => [record.imageId],
  'instance-id': ({ record }) => [record.instanceId],
  'instance-state-code': ({ state }) => [String(INSTANCE_STATE_CODES[state])],
  'instance-state-name': ({ state }) => [state],
  'instance-type': ({ record }) => [record.instanceType],
  'private-ip-address': () => ['127.0.0.1'],
  'reservation-id': ({ record }) => [record.reservationId],
  'subnet-id': ({ record }) => [record.subnetId],
  'tag-key': ({ record }) => Object.keys(record.tags),
  'tag-value': ({ record }) => Object.values(record.tags),
  'vpc-id': () => [fixedId('vpc', 'region')],
};

/** A test that an instance passes when every filter of the request matches one of its values. */
export type InstanceTest = (seen: SeenInstance) => boolean;

/**
 * Compiles the `Filter.N` parameters: all filters must match, any value of a filter will do, `*` and `?` are
 * wildcards, and letters are compared as they are written.
 *
 * @throws ApiError `InvalidParameterValue` for a filter that the region does not know.
 */
export function readFilters(parameters: QueryParameters): InstanceTest {
  const tests = parameters.structures('Filter').map((filter): InstanceTest => {
    const name = filter.required('Name');
    const patterns = filter.list('Value').map(wildcard);
    if (patterns.length === 0)
      throw new ApiError('InvalidParameterValue', `The filter '${name}' has no values`);
    const attribute = attributeNamed(name);
    return (seen) => attribute(seen).some((value) => patterns.some((pattern) => pattern.test(value)));
  });
  return (seen) => tests.every((test) => test(seen));
}

function attributeNamed(name: string): Attribute {
  if (name.startsWith('tag:')) {
    const key = name.slice('tag:'.length);
    return ({ record }) => {
      const value = record.tags[key];
      return value === undefined ? [] : [value];
    };
  }
  const attribute = Object.hasOwn(ATTRIBUTES, name) ? ATTRIBUTES[name] : undefined;
  if (attribute === undefined) throw invalidParameter(`The filter '${name}' is invalid`);
  return attribute;
}

function wildcard(text: string): RegExp {
  const escaped = text.replaceAll(/[.+^${}()|[\]\\]/g, String.raw`\$&`);
  return new RegExp(`^${escaped.replaceAll('*', '[^]*').replaceAll('?', '[^]')}$`);
}
