import { setImmediate } from 'node:timers/promises';

/** Resolves in the next turn of the process, after what was ready in this one. */
export function nextTurn(): Promise<unknown> {
  return setImmediate();
}
