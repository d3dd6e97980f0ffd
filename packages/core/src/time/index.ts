/** Deadlines by the clock that was passed in. */
export { isTimeout, withTimeout } from './with-timeout.ts';
