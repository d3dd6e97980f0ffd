/**
 * Notices that somebody else has their hands on the host that a run is about: it was stopped, started, terminated,
 * replaced, registered or deregistered, and not by this run. A human touch ends automation.
 *
 * What was seen travels with the results of steps, so it is journaled like everything that a run learns, and the next
 * process compares with what the last one saw. Only a change counts, never a state: a host may have been found stopped.
 */
import type { Host, HostState } from '@lazarus/core/ports';
import type { HostTouch } from '../actions/action.ts';

/** What a run saw of its host right before one of its effects. */
export interface TargetSight {
  readonly known: boolean;
  readonly incarnation: string;
  readonly state: HostState | 'unknown';
  readonly in_load_balancer: boolean;
}

/** What is remembered of a host; `undefined` is a host that the provider does not know. */
export function sightOf(host: Host | undefined): TargetSight {
  if (host === undefined) return { known: false, incarnation: '', state: 'unknown', in_load_balancer: false };
  const { account, region, instanceId, launchedAtMs } = host.incarnation;
  return {
    known: true,
    incarnation: [account, region, instanceId, launchedAtMs].join('/'),
    state: host.state,
    in_load_balancer: host.inLoadBalancer,
  };
}

/** States that a host reaches by itself, from where it was. */
const BY_ITSELF: Readonly<Record<string, readonly string[]>> = {
  pending: ['running'],
  stopping: ['stopped'],
};

/**
 * Says what somebody else changed between two looks; `undefined` when nothing did, or when the run itself may have.
 *
 * @param own - what the actions touch that this run began on the host. One that touches its life explains every change.
 */
export function changedByOthers(
  before: TargetSight,
  now: TargetSight,
  own: readonly HostTouch[],
): string | undefined {
  const isOwnLife = own.includes('life');
  if (before.known && !isOwnLife) {
    if (!now.known) return 'it is gone';
    if (now.incarnation !== before.incarnation) return 'it was replaced or started anew';
    if (now.state !== before.state && BY_ITSELF[before.state]?.includes(now.state) !== true)
      return `it was ${before.state} and is ${now.state}`;
  }
  if (!before.known || !now.known || isOwnLife || before.in_load_balancer === now.in_load_balancer)
    return undefined;
  if (own.includes(now.in_load_balancer ? 'entry' : 'exit')) return undefined;
  return now.in_load_balancer ? 'it was put into the load balancer' : 'it was taken out of the load balancer';
}
