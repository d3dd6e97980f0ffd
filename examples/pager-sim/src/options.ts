import { z } from 'zod';

/** Requests that one key may make in a window; then 429 until the window ends. */
const rateLimitOptions = z.strictObject({
  requests: z.number().int().min(1),
  windowMs: z.number().int().min(100).default(60_000),
});

/** Everything a pager can be told at construction. Durations are milliseconds. */
export const pagerOptions = z.strictObject({
  /** File that keeps the incidents; without it they live in memory only. */
  stateFile: z.string().min(1).optional(),
  port: z.number().int().min(0).max(65_535).default(0),
  /** How long a triggered incident waits for an acknowledgement before it goes to the next level. */
  escalateAfterMs: z.number().int().min(50).default(60_000),
  /** How long an acknowledgement holds; then the incident is triggered again. */
  acknowledgementTimeoutMs: z.number().int().min(50).default(1_800_000),
  /** The REST token that is accepted; by default any. */
  token: z.string().min(1).optional(),
  /**
   * Limit of the REST API per token.
   *
   * @remarks Source: PagerDuty developer documentation, "REST API rate limits".
   */
  restLimit: rateLimitOptions.prefault({ requests: 960 }),
  /** Limit of the Events API per routing key. */
  eventsLimit: rateLimitOptions.prefault({ requests: 120 }),
});

export type PagerOptions = z.input<typeof pagerOptions>;
export type ResolvedPagerOptions = z.output<typeof pagerOptions>;
