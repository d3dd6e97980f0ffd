import { z } from 'zod';
import { definePrecondition } from './define-precondition.ts';

const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;
const MINUTES_PER_DAY = 1_440;

const timeOfDay = z
  .string()
  .regex(/^([01][0-9]|2[0-3]):[0-5][0-9]$/, 'expected a time of day in UTC such as 22:30')
  .transform((text) => Number(text.slice(0, 2)) * 60 + Number(text.slice(3)));

const WindowSchema = z.strictObject({
  /** Days on which it begins; every day when absent. */
  days: z.array(z.enum(DAYS)).min(1).optional(),
  /** Beginning, `HH:MM` in UTC. */
  from: timeOfDay,
  /** End, `HH:MM` in UTC, exclusive; not after `from` means on the next day. */
  to: timeOfDay,
});

type Window = z.output<typeof WindowSchema>;

/**
 * Now lies outside (or inside) the given weekly windows: outside of planned maintenance, where hosts go down on purpose,
 * or inside the only hours at which a team wants automation. Times are UTC.
 */
export const maintenanceWindow = definePrecondition({
  name: 'MaintenanceWindow',
  summary: 'Now is outside (or inside) the given weekly windows.',
  params: z.strictObject({
    windows: z.array(WindowSchema).max(50).describe('Weekly windows, in UTC'),
    /** `outside`: pass when no window contains now; `inside`: pass when one does. */
    allow: z.enum(['outside', 'inside']).default('outside').describe('Where remediation is allowed'),
  }),
  check: ({ params, clock }) => {
    const now = new Date(clock.now());
    const minute = now.getUTCHours() * 60 + now.getUTCMinutes();
    const isInside = params.windows.some((window) => contains(window, now.getUTCDay(), minute));
    const evidence = { now: now.toISOString(), is_inside: isInside, allow: params.allow };
    if (isInside === (params.allow === 'inside')) return { verdict: 'pass', evidence };
    return {
      verdict: 'fail',
      reason: isInside ? 'a maintenance window is open' : 'no window is open now',
      evidence,
    };
  },
});

function contains(window: Window, day: number, minute: number): boolean {
  const begins = (onDay: number): boolean => {
    const name = DAYS[(onDay + DAYS.length) % DAYS.length];
    return window.days === undefined || (name !== undefined && window.days.includes(name));
  };
  const lengthMinutes =
    window.to > window.from ? window.to - window.from : window.to - window.from + MINUTES_PER_DAY;
  const sinceToday = minute - window.from;
  const sinceYesterday = sinceToday + MINUTES_PER_DAY;
  if (begins(day) && sinceToday >= 0 && sinceToday < lengthMinutes) return true;
  return begins(day - 1) && sinceYesterday < lengthMinutes;
}
