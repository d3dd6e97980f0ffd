import type { Clock } from '../ports/clock.ts';
import type { Pager, PageResult } from '../ports/pager.ts';

/** Most pages that are remembered; one that is forgotten gets a second note. */
const MAX_PAGES = 1_000;
/** For how long one is remembered: a record that cannot be written for longer than this is worth a second note. */
const REMEMBERED_MS = 300_000;

interface Remembered {
  readonly incidentKey: string;
  readonly result: PageResult;
  readonly atMs: number;
}

/** A page that is handed on because of one event. */
export interface HandOn {
  readonly eventId: string;
  readonly call: Parameters<Pager['escalate']>[0];
  /** It is, or may be, acknowledged by us: only the pager knows what became of it, and is asked. */
  readonly isOurs: boolean;
}

/** Hands a page on once for each event, however often that event comes back. */
export interface EscalateOnce {
  /** @throws PortError `LZ_PAGER_UNAVAILABLE`. */
  handOn(page: HandOn): Promise<PageResult>;
  /** The pager as decisions have it: a page that we acknowledge is ours, and what was done to it before counts no more. */
  readonly acknowledging: Pick<Pager, 'acknowledge'>;
  /** The record of what became of the event's page is durable: from now on it is another matter. */
  settled(eventId: string): void;
}

/**
 * A pager that remembers what was handed on and not recorded yet. When the record cannot be written (the disk is full, the
 * store is away), the event is delivered again and again, and each time its page would get the same note. Memory never
 * answers for another event, for a page that we acknowledged since, or later than 5 minutes after; whether one that is, or
 * was, ours is with a person is asked of the pager. Keeps S10.
 */
export function createEscalateOnce(
  pager: Pick<Pager, 'find' | 'escalate' | 'acknowledge'>,
  clock: Pick<Clock, 'monotonic'>,
): EscalateOnce {
  /** By the id of the event: it names one page, and if it ever named another, that one gets a note of its own. */
  const handedOn = new Map<string, Remembered>();
  const forget = (incidentKey: string): readonly (readonly [string, Remembered])[] => {
    const forgotten = [...handedOn].filter(([, each]) => each.incidentKey === incidentKey);
    for (const [eventId] of forgotten) handedOn.delete(eventId);
    return forgotten;
  };
  /** Another process may have acknowledged it since, and of that nothing is known here. */
  const isWithPerson = async (call: HandOn['call']): Promise<boolean> => {
    const page = await pager.find(call);
    return page?.takenByHuman === true || page?.status === 'resolved';
  };
  return {
    async handOn({ eventId, call, isOurs }) {
      const { incidentKey } = call;
      const earlier = handedOn.get(eventId);
      const isKnown =
        earlier?.incidentKey === incidentKey && clock.monotonic() - earlier.atMs < REMEMBERED_MS;
      if (isKnown && (!isOurs || (await isWithPerson(call)))) return earlier.result;
      const result = await pager.escalate(call);
      if (!result.done) return result;
      if (handedOn.size >= MAX_PAGES) handedOn.clear();
      handedOn.set(eventId, { incidentKey, result, atMs: clock.monotonic() });
      return result;
    },
    acknowledging: {
      async acknowledge(call) {
        const before = forget(call.incidentKey);
        let result: PageResult | undefined;
        try {
          result = await pager.acknowledge(call);
          return result;
        } finally {
          // What was handed on while the call was on its way may have come before it at the pager.
          if (result?.done !== false) forget(call.incidentKey);
          // It was refused, so that the page is still with whom it was handed to.
          else for (const [eventId, each] of before) if (!handedOn.has(eventId)) handedOn.set(eventId, each);
        }
      },
    },
    settled: (eventId) => void handedOn.delete(eventId),
  };
}
