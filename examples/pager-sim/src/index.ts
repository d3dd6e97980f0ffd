export { createPager } from './pager.ts';
export type { Pager } from './pager.ts';
export type { PagerOptions } from './options.ts';
export type { FaultOrder } from './api/fault.ts';
export type { Incident } from './incidents/incident.ts';
export { StartupError } from './state/startup-error.ts';
