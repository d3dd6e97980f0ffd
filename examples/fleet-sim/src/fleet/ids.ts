import { createHash, randomBytes } from 'node:crypto';

/** A fresh provider id such as `i-0f3a…` (17 hexadecimal digits, as EC2 makes them). */
export function newId(prefix: 'i' | 'r' | 'eventid'): string {
  return `${prefix}-0${randomBytes(8).toString('hex')}`;
}

/** An id that is the same at every start, for what the region has from the beginning (subnets, templates). */
export function fixedId(prefix: string, seed: string): string {
  return `${prefix}-0${createHash('sha256').update(seed).digest('hex').slice(0, 16)}`;
}
