/**
 * What every node refuses by itself, whatever the checks of the rule ask for and whatever the coordinator has looked at:
 * a target that must not be touched, and an event that is no longer, or not yet, true.
 */
import type { LazarusEvent } from '../events/event.ts';
import type { Host } from '../ports/fleet.ts';

/** How far apart the clocks of two nodes and a sensor may be. @remarks Source: design, S9; all of them run NTP. */
const MAX_SKEW_MS = 30_000;

/**
 * Why a host must not be voted for; `undefined` when nothing speaks against it. Keeps S16 and S9: a host in forensics was
 * dealt with already.
 */
export function targetRefusal(
  host: Host | undefined,
  wanted: { readonly hostId: string; readonly environment: string },
): string | undefined {
  const { hostId, environment } = wanted;
  if (host?.hostId !== hostId) return `${hostId} is unknown to this node`;
  if (host.environment !== environment)
    return `${hostId} is in ${host.environment}, the event says ${environment}`;
  if (host.isProtected) return `${host.name} is protected`;
  if (!host.managed) return `${host.name} has not opted in`;
  if (host.lifecycle === 'forensics') return `${host.name} is kept for examination`;
  return undefined;
}

/** Why the age of an event forbids to act on it, by this node's own clock; `undefined` when it does not. Keeps S9. */
export function ageRefusal(
  event: Pick<LazarusEvent, 'time'>,
  staleAfterMs: number,
  nowMs: number,
): string | undefined {
  const ageMs = nowMs - Date.parse(event.time);
  if (ageMs > staleAfterMs)
    return `the event is ${Math.round(ageMs / 1000)} s old, the limit is ${Math.round(staleAfterMs / 1000)} s`;
  return ageMs < -MAX_SKEW_MS ? `the event is dated ${Math.round(-ageMs / 1000)} s in the future` : undefined;
}
