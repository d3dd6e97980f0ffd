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

/** One walk of an event. */
export interface Claimant {
  readonly eventId: string;
}

/** Which event is being decided for which entity, in this process. */
export interface Claims {
  /**
   * Claims an entity for one walk of an event; that walk gets its claim again. A second walk of the same event is another
   * claimant: it waits like everybody else.
   */
  claim(entityKey: string, claimant: Claimant): Claim;
  /** Ends every claim of a walk and tells those who wait how it was decided. */
  end(claimant: Claimant, decision: Decision): void;
  /** Events that are being decided now. */
  readonly size: number;
}

interface Entry {
  readonly claimant: Claimant;
  /** Made when somebody waits: mostly nobody does. */
  waiting: PromiseWithResolvers<ClaimOutcome> | undefined;
}

/**
 * Remembers who decides what, so that the several alarms of one incident make one decision: the first claims the entity,
 * the others wait for its outcome and attach. Bounded by the number of events in flight.
 */
export function createClaims(): Claims {
  const byEntity = new Map<string, Entry>();
  const keysOf = new Map<Claimant, string[]>();
  return {
    claim(entityKey, claimant) {
      const held = byEntity.get(entityKey);
      if (held !== undefined) {
        return held.claimant === claimant
          ? { mine: true }
          : {
              mine: false,
              eventId: held.claimant.eventId,
              ended: (held.waiting ??= Promise.withResolvers()).promise,
            };
      }
      byEntity.set(entityKey, { claimant, waiting: undefined });
      const keys = keysOf.get(claimant);
      if (keys === undefined) keysOf.set(claimant, [entityKey]);
      else keys.push(entityKey);
      return { mine: true };
    },
    end(claimant, decision) {
      for (const key of keysOf.get(claimant) ?? []) {
        byEntity.get(key)?.waiting?.resolve({ eventId: claimant.eventId, decision });
        byEntity.delete(key);
      }
      keysOf.delete(claimant);
    },
    get size() {
      return byEntity.size;
    },
  };
}
