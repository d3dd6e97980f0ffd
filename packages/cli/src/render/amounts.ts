/** Milliseconds as people say them: `4 ms`, `1.2 s`, `31 s`, `12 min`. */
export function humanDuration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 10_000) return `${(ms / 1_000).toFixed(1)} s`;
  return ms < 600_000 ? `${Math.round(ms / 1_000)} s` : `${Math.round(ms / 60_000)} min`;
}

/** Time between two ISO times; `undefined` when one is missing. */
export function humanBetween(from: string | undefined, to: string | undefined): string | undefined {
  return from === undefined || to === undefined
    ? undefined
    : humanDuration(Date.parse(to) - Date.parse(from));
}

/** `1 attempt`, `2 attempts`. */
export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** An id short enough for a table and long enough to be found again. */
export function shortId(id: string): string {
  return id.slice(0, 12);
}
