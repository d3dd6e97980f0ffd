import type { Decision } from './decision.ts';

/** How the claim of another event on the same entity ended. */
export interface ClaimOutcome {
  readonly eventId: string;
  readonly decision: Decision;
}

/** A claim that this event holds, or the outcome of the one that was there first. */
export type Claim =
  | { readonly mine: true }
  | { readonly mine: false; readonly eventId: string; readonly ended: Promise<ClaimOutcome> };

/** Which event is being decided for which entity, in this process. */
export interface Claims {
  /** Claims an entity for an event; the same event gets its claim again. */
  claim(entityKey: string, eventId: string): Claim;
  /** Ends every claim of an event and tells those who wait how it was decided. */
  end(outcome: ClaimOutcome): void;
  /** Events that are being decided now. */
  readonly size: number;
}

interface Entry {
  readonly eventId: string;
  readonly ended: Promise<ClaimOutcome>;
  readonly settle: (outcome: ClaimOutcome) => void;
}

/**
 * Remembers who decides what, so that the several alarms of one incident make one decision: the first claims the entity,
 * the others wait for its outcome and attach. Bounded by the number of events in flight.
 */
export function createClaims(): Claims {
  const byEntity = new Map<string, Entry>();
  const keysOf = new Map<string, string[]>();
  return {
    claim(entityKey, eventId) {
      const held = byEntity.get(entityKey);
      if (held !== undefined) {
        return held.eventId === eventId
          ? { mine: true }
          : { mine: false, eventId: held.eventId, ended: held.ended };
      }
      const { promise, resolve } = Promise.withResolvers<ClaimOutcome>();
      byEntity.set(entityKey, { eventId, ended: promise, settle: resolve });
      keysOf.set(eventId, [...(keysOf.get(eventId) ?? []), entityKey]);
      return { mine: true };
    },
    end(outcome) {
      for (const key of keysOf.get(outcome.eventId) ?? []) {
        byEntity.get(key)?.settle(outcome);
        byEntity.delete(key);
      }
      keysOf.delete(outcome.eventId);
    },
    get size() {
      return byEntity.size;
    },
  };
}
