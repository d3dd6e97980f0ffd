import type { Answer } from './answer.ts';

/** One accepted event, as the windows count it. */
export interface Observation {
  /** Canonical event id (source and id). */
  readonly eventId: string;
  readonly region: string;
  readonly service: string;
  /** The host, or the service itself for events without one. */
  readonly entity: string;
}

/** State of the region's circuit breaker. */
export interface BreakerView {
  readonly state: 'closed' | 'open' | 'unknown';
  /** Unique failing services in the region's window. */
  readonly services: number;
  readonly maxServices: number;
  /** How long it has been open, milliseconds; 0 when closed. */
  readonly openForMs: number;
}

/** What one of several views counted, as evidence. */
export interface CountedView {
  readonly entities: number;
  readonly services: number;
  readonly breaker: BreakerView['state'];
}

/** What the windows say about a service and its region, read in one trip. */
export interface WindowView {
  readonly breaker: BreakerView;
  /** Unique failing entities of the service in its window. */
  readonly entities: number;
  readonly windowMs: number;
  /** Both views, when a node compares the shared counts with its own; the rest is the more cautious of them. */
  readonly counted?: { readonly shared: CountedView; readonly local: CountedView };
}

/**
 * Rolling counts shared by the nodes: unique entities per service, unique services per region, first sight of an event
 * id, and the breaker that follows from them. They count everything received, also while suspended. Keeps S7.
 */
export interface Windows {
  /**
   * Counts one event and answers in the same trip. `firstSeen` is false when this event id was counted before.
   *
   * @throws PortError `LZ_WINDOWS_UNAVAILABLE`; the caller then treats everything as suspended.
   */
  observe(observation: Observation): Answer<WindowView & { readonly firstSeen: boolean }>;
  /** Reads without counting. @throws PortError `LZ_WINDOWS_UNAVAILABLE`. */
  view(scope: { readonly region: string; readonly service: string }): Answer<WindowView>;
  /**
   * Milliseconds until at most `maxEntities` of a service are still in its window if nothing else fails: for people who ask
   * when it goes on. Adapters that cannot tell leave it out. @throws PortError `LZ_WINDOWS_UNAVAILABLE`.
   */
  clearsInMs?(
    scope: { readonly region: string; readonly service: string },
    maxEntities: number,
  ): Answer<number | undefined>;
}
