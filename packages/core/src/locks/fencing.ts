import type { FencingToken } from '../ports/locks.ts';

/** Orders two tokens: negative when `left` is older, 0 when they are equal. A guard refuses what is older. Keeps S4. */
export function compareFencingTokens(left: FencingToken, right: FencingToken): number {
  return left.epoch === right.epoch ? left.counter - right.counter : left.epoch - right.epoch;
}
