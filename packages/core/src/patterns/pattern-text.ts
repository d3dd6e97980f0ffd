import type { Refusal } from './parse-value-test.ts';

/** A pattern read from JSON text, or why it cannot be. */
export type PatternText =
  { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly refusal: Refusal };

/** Longest text of a pattern, characters. */
const MAX_PATTERN_TEXT = 262_144;

/** The third argument of a reviver, which says how a value was written. Node 22 and later pass it. */
type Reviver = (key: string, value: unknown, context?: { readonly source?: string }) => unknown;

/** Reads a pattern from JSON text; numbers that a double cannot hold are refused rather than rounded to 0 or infinity. */
export function readPatternText(text: string): PatternText {
  if (text.length > MAX_PATTERN_TEXT) return refuse(`longer than ${MAX_PATTERN_TEXT} characters`);
  let unusable: string | undefined;
  const reviver: Reviver = (_key, value, context) => {
    const source = context?.source;
    if (typeof value === 'number' && source !== undefined && isLost(value, source)) unusable ??= source;
    return value;
  };
  let value: unknown;
  try {
    value = JSON.parse(text, reviver as Parameters<typeof JSON.parse>[1]);
  } catch (error) {
    return refuse(`not valid JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  return unusable === undefined ? { ok: true, value } : refuse(`the number ${unusable} cannot be compared`);
}

/** Too large for a double, or so small that it became 0. */
function isLost(value: number, source: string): boolean {
  return !Number.isFinite(value) || (value === 0 && /[1-9]/.test(source.replace(/e.*/i, '')));
}

function refuse(message: string): PatternText {
  return { ok: false, refusal: { path: [], message } };
}
