import { z } from 'zod';

const base = {
  /** Longest time of one HTTP request, milliseconds. */
  requestTimeoutMs: z.int().min(10).max(60_000).default(3000),
  /**
   * Longest time of one call, all tries and waits included, milliseconds. Far below the 60 s after which an untouched
   * page escalates by itself.
   */
  deadlineMs: z.int().min(10).max(60_000).default(10_000),
  /** First bound of the back-off between tries, full jitter, milliseconds. */
  retryFirstMs: z.int().min(1).max(10_000).default(200),
};

/** Options of `createPagerDutyPager`. */
export const PagerDutyPagerOptions = z.strictObject({
  ...base,
  /** REST API key with write access. */
  token: z.string().min(1),
  /** Address of the PagerDuty user in whose name changes are made; the API demands one. */
  from: z.email(),
  /**
   * Ids or names of the users that are Lazarus: the one behind `from`, and whoever is on level 1 of the escalation
   * policy. Anybody else who acknowledged a page or was given it is a person.
   */
  responders: z.array(z.string().min(1)).min(1).readonly(),
  /** Level to which a page is escalated. */
  escalationLevel: z.int().min(2).max(20).default(2),
  /** REST API. */
  endpoint: z.url().default('https://api.pagerduty.com'),
});

/** Options of `createPagerDutyEvents`. */
export const PagerDutyEventsOptions = z.strictObject({
  ...base,
  /** Integration key of the service on which pages are opened. */
  routingKey: z.string().min(1),
  /** Events API v2. */
  endpoint: z.url().default('https://events.pagerduty.com'),
});

/** Options as a caller writes them. */
export type PagerDutyPagerOptionsInput = z.input<typeof PagerDutyPagerOptions>;

/** Options as a caller writes them. */
export type PagerDutyEventsOptionsInput = z.input<typeof PagerDutyEventsOptions>;

/** Options with all defaults. */
export type ResolvedPagerDutyPagerOptions = z.output<typeof PagerDutyPagerOptions>;
