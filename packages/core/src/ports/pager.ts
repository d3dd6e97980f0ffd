/** A page (incident) at the pager service. */
export interface Page {
  readonly incidentKey: string;
  readonly pageId: string;
  readonly status: 'triggered' | 'acknowledged' | 'resolved';
  /** 1 is Lazarus, the first responder. */
  readonly escalationLevel: number;
  /** True when a person acknowledged it, or it was given to a person. A human touch stops automation. */
  readonly takenByHuman: boolean;
}

/** Outcome of a change to a page; a refusal is a value. */
export type PageResult =
  | { readonly done: true; readonly page: Page; readonly changed: boolean }
  | {
      readonly done: false;
      readonly reason: 'not_found' | 'already_resolved' | 'taken_by_human';
      readonly page?: Page;
    };

/** Options of every call to the pager. */
export interface PagerCall {
  readonly incidentKey: string;
  /** Written to the page as a note when it is given. */
  readonly note?: string;
  readonly signal?: AbortSignal;
}

/**
 * The pager service. Sensors open pages in parallel with the event; Lazarus only acknowledges, resolves or escalates
 * them by incident key, and a page that nobody touches escalates by itself. All calls are idempotent and read the state
 * first: acknowledging a resolved page would open it again. Keeps S10.
 */
export interface Pager {
  /** @throws PortError `LZ_PAGER_UNAVAILABLE`. */
  find(call: PagerCall): Promise<Page | undefined>;
  /** Takes the page for Lazarus. @throws PortError `LZ_PAGER_UNAVAILABLE`. */
  acknowledge(call: PagerCall): Promise<PageResult>;
  /** Closes the page. @throws PortError `LZ_PAGER_UNAVAILABLE`. */
  resolve(call: PagerCall): Promise<PageResult>;
  /** Hands the page to the next level. Speeds up what happens anyway. @throws PortError `LZ_PAGER_UNAVAILABLE`. */
  escalate(call: PagerCall & { readonly reason: string }): Promise<PageResult>;
}
