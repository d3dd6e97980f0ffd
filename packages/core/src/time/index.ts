/** Deadlines by the clock that was passed in. */
export { type Alarm, type Alarms, createAlarms } from './alarms.ts';
export { isTimeout, withTimeout } from './with-timeout.ts';
