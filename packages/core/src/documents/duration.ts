import { z } from 'zod';

const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const DURATION = /^(0|[1-9][0-9]{0,8})(ms|s|m|h|d)$/;

/** Longest duration a document may name: 366 days, milliseconds. */
export const MAX_DURATION_MS = 366 * UNIT_MS.d;

/** Reads `30s`, `10m`, `2h`, `500ms` or `7d` as milliseconds; `undefined` when the text is no duration. */
export function parseDuration(text: string): number | undefined {
  const parts = DURATION.exec(text);
  if (parts === null) return undefined;
  const durationMs = Number(parts[1]) * UNIT_MS[parts[2] as keyof typeof UNIT_MS];
  return durationMs <= MAX_DURATION_MS ? durationMs : undefined;
}

/** Writes milliseconds the way documents do, in the largest unit that stays whole: 1800000 is `30m`. */
export function formatDuration(durationMs: number): string {
  for (const unit of ['d', 'h', 'm', 's'] as const) {
    if (durationMs !== 0 && durationMs % UNIT_MS[unit] === 0) return `${durationMs / UNIT_MS[unit]}${unit}`;
  }
  return durationMs === 0 ? '0s' : `${durationMs}ms`;
}

const DURATION_EXPECTED = 'expected a duration such as 500ms, 30s, 10m or 2h';

/**
 * A duration of a document: text in, milliseconds out. A bare number is refused, because nobody can tell its unit.
 *
 * @remarks Source: design, section 6.
 */
export const DurationSchema = z
  .string({ error: DURATION_EXPECTED })
  .regex(DURATION, DURATION_EXPECTED)
  .transform((text, context) => {
    const durationMs = parseDuration(text);
    if (durationMs !== undefined) return durationMs;
    context.addIssue({ code: 'custom', message: 'expected a duration of at most 366d' });
    return z.NEVER;
  });
