/**
 * Counts distinct keys in an exact rolling window: at `nowMs` the answer depends only on the keys seen in
 * `(nowMs - windowMs, nowMs]`. Used for failing entities of a service and for failing services of a region.
 *
 * The state is a list in the order of last sight, so that the oldest key is always at hand: seeing a key and forgetting
 * an old one take constant time (amortized), however many events arrive for the same keys. It is updated in place and
 * has one owner; {@link exportKeys} gives the serializable form.
 *
 * Invariants:
 * S7: a window that has run out of room says so (`UNCOUNTABLE`), which is above every bound; it never counts too low.
 * L5: at most `capacity` keys are stored.
 */

/** Count of a window that had to refuse a key which is still within it: above every bound. */
export const UNCOUNTABLE = Number.MAX_SAFE_INTEGER;

/** Below this size looking through the list is cheaper than a hash index. */
const INDEX_FROM = 9;

interface Entry {
  readonly key: string;
  lastSeenMs: number;
  older: Entry | undefined;
  newer: Entry | undefined;
}

/** State of one window. Make one with {@link createRollingWindow}; read it with {@link countKeys} only. */
export interface RollingWindow {
  readonly windowMs: number;
  readonly capacity: number;
  size: number;
  oldest: Entry | undefined;
  newest: Entry | undefined;
  index: Map<string, Entry> | undefined;
  /** Until this instant the count is too low, because a key did not fit; nearly always absent, and then not looked up. */
  overflowUntilMs: number | undefined;
}

/** A key and how long ago it was last seen: what survives a restart. */
export interface AgedKey {
  readonly key: string;
  readonly ageMs: number;
}

/** An empty window. `windowMs` and `capacity` are at least 1. */
export function createRollingWindow(options: {
  readonly windowMs: number;
  readonly capacity: number;
}): RollingWindow {
  return {
    windowMs: options.windowMs,
    capacity: options.capacity,
    size: 0,
    oldest: undefined,
    newest: undefined,
    index: undefined,
    overflowUntilMs: undefined,
  };
}

/** Sees a key. Returns false when there was no room for it; the window then stays uncountable for `windowMs`. */
export function observeKey(
  window: RollingWindow,
  key: string,
  nowMs: number,
  onForgotten?: (key: string) => void,
): boolean {
  forgetOldKeys(window, nowMs, onForgotten);
  // Time never runs backwards in the list, so that the oldest entry is always the first.
  const seenMs = Math.max(nowMs, window.newest?.lastSeenMs ?? nowMs);
  const known = find(window, key);
  if (known !== undefined) {
    known.lastSeenMs = seenMs;
    moveToNewest(window, known);
    return true;
  }
  if (window.size >= window.capacity) {
    markOverflow(window, nowMs);
    return false;
  }
  append(window, { key, lastSeenMs: seenMs, older: undefined, newer: undefined });
  return true;
}

/** Records that a key could not be stored, for example because a bound over many windows was reached. */
export function markOverflow(window: RollingWindow, nowMs: number): void {
  window.overflowUntilMs = nowMs + window.windowMs;
}

/** Distinct keys seen in `(nowMs - windowMs, nowMs]`, or {@link UNCOUNTABLE}. */
export function countKeys(window: RollingWindow, nowMs: number, onForgotten?: (key: string) => void): number {
  forgetOldKeys(window, nowMs, onForgotten);
  const { overflowUntilMs } = window;
  return overflowUntilMs !== undefined && nowMs < overflowUntilMs ? UNCOUNTABLE : window.size;
}

/** Whether this key is in the window now. */
export function hasKey(window: RollingWindow, key: string, nowMs: number): boolean {
  const entry = find(window, key);
  return entry !== undefined && nowMs - entry.lastSeenMs < window.windowMs;
}

/** The keys of the window, oldest first. */
export function exportKeys(window: RollingWindow, nowMs: number): readonly AgedKey[] {
  forgetOldKeys(window, nowMs);
  const keys: AgedKey[] = [];
  for (let entry = window.oldest; entry !== undefined; entry = entry.newer) {
    keys.push({ key: entry.key, ageMs: nowMs - entry.lastSeenMs });
  }
  return keys;
}

/**
 * Milliseconds until at most `max` keys are left if none is seen again: 0 when that is so already, `undefined` for a window
 * that has run out of room or when there never can be so few.
 */
export function clearsInMs(window: RollingWindow, max: number, nowMs: number): number | undefined {
  if (countKeys(window, nowMs) === UNCOUNTABLE || max < 0) return undefined;
  let entry = window.oldest;
  let leaving: Entry | undefined;
  for (let over = window.size - max; over > 0; over -= 1) {
    leaving = entry;
    entry = entry?.newer;
  }
  return leaving === undefined ? 0 : leaving.lastSeenMs + window.windowMs - nowMs;
}

function forgetOldKeys(window: RollingWindow, nowMs: number, onForgotten?: (key: string) => void): void {
  let entry = window.oldest;
  while (entry !== undefined && nowMs - entry.lastSeenMs >= window.windowMs) {
    unlink(window, entry);
    window.index?.delete(entry.key);
    window.size -= 1;
    onForgotten?.(entry.key);
    entry = window.oldest;
  }
}

function find(window: RollingWindow, key: string): Entry | undefined {
  if (window.index !== undefined) return window.index.get(key);
  let entry = window.newest;
  while (entry !== undefined && entry.key !== key) entry = entry.older;
  return entry;
}

function append(window: RollingWindow, entry: Entry): void {
  linkAsNewest(window, entry);
  window.size += 1;
  window.index?.set(entry.key, entry);
  if (window.index === undefined && window.size >= INDEX_FROM) window.index = indexOf(window);
}

function indexOf(window: RollingWindow): Map<string, Entry> {
  const index = new Map<string, Entry>();
  for (let entry = window.oldest; entry !== undefined; entry = entry.newer) index.set(entry.key, entry);
  return index;
}

function moveToNewest(window: RollingWindow, entry: Entry): void {
  if (window.newest === entry) return;
  unlink(window, entry);
  linkAsNewest(window, entry);
}

function linkAsNewest(window: RollingWindow, entry: Entry): void {
  entry.older = window.newest;
  entry.newer = undefined;
  if (window.newest === undefined) window.oldest = entry;
  else window.newest.newer = entry;
  window.newest = entry;
}

function unlink(window: RollingWindow, entry: Entry): void {
  if (entry.older === undefined) window.oldest = entry.newer;
  else entry.older.newer = entry.newer;
  if (entry.newer === undefined) window.newest = entry.older;
  else entry.newer.older = entry.older;
}
