/** What a promise came to: its value, or what it was rejected with. */
export function outcomeOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.catch((error: unknown) => error);
}

/** Code of an error of Lazarus; of anything else, what it is in words, so that a failed test tells. */
export function codeOf(outcome: unknown): unknown {
  if (typeof outcome === 'object' && outcome !== null && 'code' in outcome) return outcome.code;
  return outcome instanceof Error ? `${outcome.name}: ${outcome.message}` : outcome;
}
