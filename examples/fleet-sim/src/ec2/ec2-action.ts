import type { FaultEffects } from '../faults/fault.ts';
import type { Fleet } from '../fleet/fleet.ts';
import { ApiError } from '../wire/api-error.ts';
import type { QueryParameters } from '../wire/query-parameters.ts';
import type { XmlChildren } from '../wire/xml.ts';
import type { RegionState } from '../state/region-state.ts';
import type { ResolvedRegionOptions } from '../options.ts';
import type { InstanceRecord } from '../fleet/instance.ts';

/** What an EC2 action works on. */
export interface Ec2Context {
  readonly fleet: Fleet;
  readonly state: RegionState;
  readonly options: ResolvedRegionOptions;
  /** Injected effects that the call meets; most actions ignore them. */
  readonly effects: FaultEffects;
  /** Writes the state to disk; called before the reply. */
  readonly save: () => void;
}

/** One action: reads the request, does what it asks, returns the body of the reply. */
export type Ec2Action = (parameters: QueryParameters, context: Ec2Context) => XmlChildren;

/** @throws ApiError `DryRunOperation`, which is how EC2 says that a dry run would have worked. */
export function refuseDryRun(parameters: QueryParameters): void {
  if (!parameters.flag('DryRun')) return;
  throw new ApiError('DryRunOperation', 'Request would have succeeded, but DryRun flag is set.', 412);
}

/**
 * The instances that a mutating call names; all of them or none.
 *
 * @throws ApiError `InvalidInstanceID.Malformed` or `InvalidInstanceID.NotFound`.
 */
export function namedInstances(
  ids: readonly string[],
  instances: readonly InstanceRecord[],
): InstanceRecord[] {
  const malformed = ids.find((id) => !/^i-[0-9a-f]{8,17}$/.test(id));
  if (malformed !== undefined) {
    throw new ApiError('InvalidInstanceID.Malformed', `Invalid id: "${malformed}"`);
  }
  const known = new Map(instances.map((instance) => [instance.instanceId, instance]));
  const missing = ids.filter((id) => !known.has(id));
  if (missing.length > 0) {
    const text =
      missing.length === 1
        ? `The instance ID '${missing[0] ?? ''}' does not exist`
        : `The instance IDs '${missing.join(', ')}' do not exist`;
    throw new ApiError('InvalidInstanceID.NotFound', text);
  }
  return [...new Set(ids)].flatMap((id) => known.get(id) ?? []);
}
