import { PortError } from '@lazarus/core';
import type { Clock, Page, Pager, PageResult } from '@lazarus/core/ports';

/** A pager service in memory, with the traps of a real one: it escalates by itself and knows people. */
export interface FakePager extends Pager {
  /** Opens a page as a sensor would; opening an open one changes nothing. */
  open(incidentKey: string): Page;
  /** A person acknowledges the page. */
  touch(incidentKey: string): Page;
  /** The page as it is now, resolved ones included. */
  pageOf(incidentKey: string): Page | undefined;
  notesOf(incidentKey: string): readonly string[];
  /** From now on every call fails with `LZ_PAGER_UNAVAILABLE`; `undefined` heals it. */
  fail(reason: string | undefined): void;
}

/** Bounds of a {@link createFakePager}. */
export interface FakePagerOptions {
  readonly clock: Clock;
  /** An untouched page goes to the next level after this time. @defaultValue 60 000 */
  readonly escalateAfterMs?: number;
  /** An acknowledged page is triggered again after this time. @defaultValue 1 800 000 */
  readonly acknowledgedForMs?: number;
  /** Highest level. @defaultValue 3 */
  readonly levels?: number;
}

interface StoredPage {
  page: Page;
  /** Monotonic instant of the last change of status or level. */
  sinceMs: number;
  readonly notes: string[];
}

/**
 * Creates a {@link FakePager}. Level 1 is Lazarus; every higher level is a person. Timers are not needed: what the service
 * would have done by now is computed when somebody looks.
 */
export function createFakePager(options: FakePagerOptions): FakePager {
  const { clock } = options;
  const bounds = { escalateAfterMs: 60_000, acknowledgedForMs: 1_800_000, levels: 3, ...options };
  const pages = new Map<string, StoredPage>();
  let failure: string | undefined;
  let opened = 0;

  const look = (incidentKey: string): StoredPage | undefined => {
    const stored = pages.get(incidentKey);
    if (stored !== undefined) catchUp(stored, clock.monotonic(), bounds);
    return stored;
  };
  const reach = (
    incidentKey: string,
    note: string | undefined,
    signal: AbortSignal | undefined,
  ): StoredPage | undefined => {
    signal?.throwIfAborted();
    if (failure !== undefined)
      throw new PortError({ code: 'LZ_PAGER_UNAVAILABLE', message: failure, retryable: true });
    const stored = look(incidentKey);
    if (stored !== undefined && note !== undefined) stored.notes.push(note);
    return stored;
  };
  const change = (stored: StoredPage, part: Partial<Page>): PageResult => {
    stored.page = { ...stored.page, ...part };
    stored.sinceMs = clock.monotonic();
    return { done: true, page: stored.page, changed: true };
  };

  return {
    open: (incidentKey) => {
      const stored = look(incidentKey);
      if (stored !== undefined && stored.page.status !== 'resolved') return stored.page;
      opened += 1;
      const page: Page = {
        incidentKey,
        pageId: `P${opened}`,
        status: 'triggered',
        escalationLevel: 1,
        takenByHuman: false,
      };
      pages.set(incidentKey, { page, sinceMs: clock.monotonic(), notes: [] });
      return page;
    },
    touch: (incidentKey) => {
      const stored = look(incidentKey);
      if (stored === undefined) throw new Error(`no page with incident key ${incidentKey}`);
      change(stored, { status: 'acknowledged', takenByHuman: true });
      return stored.page;
    },
    pageOf: (incidentKey) => look(incidentKey)?.page,
    notesOf: (incidentKey) => pages.get(incidentKey)?.notes ?? [],
    fail: (reason) => {
      failure = reason;
    },
    find: async ({ incidentKey, signal }) => reach(incidentKey, undefined, signal)?.page,
    acknowledge: async ({ incidentKey, note, signal }) => {
      const stored = reach(incidentKey, note, signal);
      const refused = refuse(stored);
      if (stored === undefined || refused !== undefined) return refused ?? NOT_FOUND;
      if (stored.page.status === 'acknowledged') {
        stored.sinceMs = clock.monotonic();
        return { done: true, page: stored.page, changed: false };
      }
      return change(stored, { status: 'acknowledged' });
    },
    resolve: async ({ incidentKey, note, signal }) => {
      const stored = reach(incidentKey, note, signal);
      if (stored?.page.status === 'resolved') return { done: true, page: stored.page, changed: false };
      const refused = refuse(stored);
      if (stored === undefined || refused !== undefined) return refused ?? NOT_FOUND;
      return change(stored, { status: 'resolved' });
    },
    escalate: async ({ incidentKey, note, reason, signal }) => {
      const stored = reach(incidentKey, note ?? reason, signal);
      if (stored === undefined) return NOT_FOUND;
      const { page } = stored;
      if (page.status === 'resolved') return { done: false, reason: 'already_resolved', page };
      if (page.escalationLevel > 1 || page.takenByHuman) return { done: true, page, changed: false };
      return change(stored, { status: 'triggered', escalationLevel: 2, takenByHuman: true });
    },
  };
}

const NOT_FOUND: PageResult = { done: false, reason: 'not_found' };

/** Why Lazarus may not take or close this page; `undefined` when it may. */
function refuse(stored: StoredPage | undefined): PageResult | undefined {
  if (stored === undefined) return NOT_FOUND;
  const { page } = stored;
  if (page.status === 'resolved') return { done: false, reason: 'already_resolved', page };
  return page.takenByHuman ? { done: false, reason: 'taken_by_human', page } : undefined;
}

/** Applies every timeout that has passed since somebody looked last. */
function catchUp(
  stored: StoredPage,
  nowMs: number,
  bounds: { readonly escalateAfterMs: number; readonly acknowledgedForMs: number; readonly levels: number },
): void {
  for (;;) {
    const { page } = stored;
    if (page.status === 'resolved') return;
    const waitMs = page.status === 'triggered' ? bounds.escalateAfterMs : bounds.acknowledgedForMs;
    if (nowMs - stored.sinceMs < waitMs) return;
    if (page.status === 'triggered' && page.escalationLevel >= bounds.levels) return;
    stored.sinceMs += waitMs;
    stored.page =
      page.status === 'acknowledged'
        ? { ...page, status: 'triggered' }
        : { ...page, escalationLevel: page.escalationLevel + 1, takenByHuman: true };
  }
}
