import type { Pager, PageResult } from '../ports/pager.ts';

/** Most pages that are remembered; one that is forgotten gets a second note. */
const MAX_PAGES = 1_000;

/** Hands a page on once, however often its event comes back. */
export interface EscalateOnce extends Pick<Pager, 'escalate'> {
  /** The record of what became of the page is durable: from now on it is another matter. */
  settled(incidentKey: string): void;
}

/**
 * A pager that remembers what was handed on and not recorded yet. When the record cannot be written (the disk is full, the
 * store is away), the event is delivered again and again, and each time its page would get the same note.
 */
export function createEscalateOnce(pager: Pick<Pager, 'escalate'>): EscalateOnce {
  const handedOn = new Map<string, PageResult>();
  return {
    async escalate(call) {
      const earlier = handedOn.get(call.incidentKey);
      if (earlier !== undefined) return earlier;
      const result = await pager.escalate(call);
      if (!result.done) return result;
      if (handedOn.size >= MAX_PAGES) handedOn.clear();
      handedOn.set(call.incidentKey, result);
      return result;
    },
    settled: (incidentKey) => void handedOn.delete(incidentKey),
  };
}
