import { definePrecondition } from '@lazarus/core';
import { z } from 'zod';

const WORKING_DAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri'];

const timeZone = z
  .string()
  .refine(
    (name) => name === 'UTC' || Intl.supportedValuesOf('timeZone').includes(name),
    'expected a time zone such as Europe/Berlin',
  );

/** Now is a working day between `from` and `to`: for services that nobody watches at night. */
export const businessHours = definePrecondition({
  name: 'BusinessHours',
  summary: 'Somebody of the team is at work.',
  params: z.strictObject({
    from: z.int().min(0).max(23).default(9).describe('First hour of the day'),
    to: z.int().min(1).max(24).default(17).describe('Hour at which the day is over'),
    time_zone: timeZone.default('UTC').describe('Time zone of the team'),
  }),
  check: ({ params, clock }) => {
    const [day = '', hour] = new Intl.DateTimeFormat('en-US', {
      weekday: 'short',
      hour: '2-digit',
      hourCycle: 'h23',
      timeZone: params.time_zone,
    })
      .format(clock.now())
      .split(', ');
    const evidence = { day, hour, time_zone: params.time_zone };
    const isOpen = Number(hour) >= params.from && Number(hour) < params.to;
    if (isOpen && WORKING_DAYS.includes(day)) return { verdict: 'pass', evidence };
    return { verdict: 'fail', reason: `it is ${day} ${String(hour)}:00 or later there`, evidence };
  },
});
