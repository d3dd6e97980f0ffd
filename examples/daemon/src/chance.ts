import { randomBytes } from 'node:crypto';
import type { Ids, Random } from '@lazarus/core/ports';

/** Identifiers from the system's random source. */
export function createSystemIds(): Ids {
  return {
    next: (prefix) => `${prefix === undefined ? '' : `${prefix}-`}${randomBytes(9).toString('base64url')}`,
  };
}

/** The system's random numbers. */
export function createSystemRandom(): Random {
  return { next: () => Math.random() };
}
