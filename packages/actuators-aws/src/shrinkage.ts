/**
 * Notices a listing that lost hosts which nobody took away. A provider in trouble may answer without an error and without
 * part of the fleet; for everything that counts hosts such a listing would look complete. Keeps S8.
 *
 * Hosts are compared with all that were in service within the window and not only with the listing before, so that a
 * fleet which fades away one by one is noticed as well. A host that Lazarus itself had out of service when it was last
 * seen (launching, removing, forensics) is expected to go.
 */
import type { Host } from '@lazarus/core/ports';

/** When each host in service was last seen, milliseconds of the monotonic clock, by host id. */
export type SeenHosts = Readonly<Record<string, number>>;

/** Bounds of {@link judgeListing}. */
export interface ShrinkageBounds {
  readonly windowMs: number;
  /** A listing may lack this share of the hosts, 0 to 1. */
  readonly maxLostShare: number;
  /** Fewer hosts than this are never too many. */
  readonly minLost: number;
}

/** Whether a listing may be believed, and what it lacks. */
export interface ListingVerdict {
  readonly complete: boolean;
  readonly lost: readonly string[];
}

/**
 * Judges one listing and notes it.
 *
 * @param hosts - All hosts of the listing, in whatever state.
 * @param nowMs - Monotonic time of the listing, milliseconds.
 */
export function judgeListing(
  bounds: ShrinkageBounds,
  seen: SeenHosts,
  hosts: readonly Pick<Host, 'hostId' | 'lifecycle'>[],
  nowMs: number,
): { readonly state: SeenHosts; readonly verdict: ListingVerdict } {
  const known = Object.entries(seen).filter(([, atMs]) => nowMs - atMs < bounds.windowMs);
  const listed = new Set(hosts.map(({ hostId }) => hostId));
  const missing = known.filter(([hostId]) => !listed.has(hostId));
  const inService = hosts
    .filter(({ lifecycle }) => lifecycle === 'active')
    .map(({ hostId }) => [hostId, nowMs] as const);
  const isTooMany = missing.length >= bounds.minLost && missing.length > known.length * bounds.maxLostShare;
  return {
    state: Object.fromEntries([...missing, ...inService]),
    verdict: { complete: !isTooMany, lost: missing.map(([hostId]) => hostId) },
  };
}
