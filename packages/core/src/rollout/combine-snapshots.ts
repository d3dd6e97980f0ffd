import { digestOf } from '../config/canonical-json.ts';
import type { CompiledSnapshot } from '../config/compiled-snapshot.ts';
import type { RolloutPlace } from '../config/snapshot.ts';
import { cutoffNow } from './rollout.ts';
import type { RolloutState } from './rollout.ts';
import { positionOf } from './wave-order.ts';

/** A rollout that is not over. */
export interface OpenRollout {
  readonly profile: string;
  readonly state: RolloutState;
}

/**
 * The configuration while edits of profiles are on their way: services that have the edit are answered by the new
 * configuration, all others by the one before. Its digest covers both and who has the edit, so that nodes which disagree
 * about the wave cannot vote for each other. Keeps S15.
 */
export function combineSnapshots(
  before: CompiledSnapshot,
  after: CompiledSnapshot,
  open: readonly OpenRollout[],
): CompiledSnapshot {
  const byProfile = new Map(open.map((rollout) => [rollout.profile, rollout.state]));
  const cutoffs = open.map(({ profile, state }) => [profile, state.edit, cutoffNow(state)]).sort();
  const digest = digestOf([before.digest, after.digest, cutoffs]);
  const places = new Map<string, RolloutPlace | undefined>();

  const placeOf = (service: string): RolloutPlace | undefined => {
    if (places.has(service)) return places.get(service);
    const profile = after.profileOf(service);
    const state = byProfile.get(profile ?? '');
    // Services without a document subscribe to nothing; only documented ones are remembered.
    if (profile === undefined || state === undefined) return undefined;
    const place = placeIn(profile, state, service);
    places.set(service, place);
    return place;
  };
  const sideOf = (service: string): CompiledSnapshot =>
    placeOf(service)?.hasEdit === false ? before : after;

  return Object.freeze({
    ...after,
    digest,
    summary: Object.freeze({
      digest,
      rules: [...new Set([...after.summary.rules, ...before.summary.rules])].sort(),
      get services() {
        return after.summary.services;
      },
      profiles: after.summary.profiles,
      workflows: after.summary.workflows,
    }),
    match: (event) => {
      const match = sideOf(event.service).match(event);
      const rollout = placeOf(event.service);
      return match.matched && rollout !== undefined ? { ...match, rollout } : match;
    },
    rule: (name, event) => sideOf(event.service).rule(name, event),
    rulesOf: (service, place) => sideOf(service).rulesOf(service, place),
    // Two configurations would have to take the document: it is compiled as a whole.
    withService: () => undefined,
    scanned: [...new Set([...after.scanned, ...before.scanned])],
  } satisfies CompiledSnapshot);
}

/** Where a service is in a rollout. */
export function placeIn(profile: string, state: RolloutState, service: string): RolloutPlace {
  const { status, wave, cutoffs, edit } = state;
  return {
    profile,
    wave: wave + 1,
    waves: cutoffs.length,
    status: status === 'done' ? 'rolling' : status,
    hasEdit: positionOf(edit, service) < cutoffNow(state),
  };
}
