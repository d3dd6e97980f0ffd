/** The instant that was written last: the gates of one event, and events of one batch, mostly share a millisecond. */
let last = { ms: Number.NaN, text: '' };

/** An instant as ISO text. Writing the same millisecond again costs nothing. */
export function isoTime(ms: number): string {
  if (ms !== last.ms) last = { ms, text: new Date(ms).toISOString() };
  return last.text;
}
