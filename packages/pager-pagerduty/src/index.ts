export {
  PagerDutyEventsOptions,
  type PagerDutyEventsOptionsInput,
  PagerDutyPagerOptions,
  type PagerDutyPagerOptionsInput,
} from './options.ts';
export { createPagerDutyEvents, type PagerDutyEvents, type PageTrigger } from './pagerduty-events.ts';
export { createPagerDutyPager, type PagerDutyPager } from './pagerduty-pager.ts';
