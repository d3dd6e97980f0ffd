import { createHmac, timingSafeEqual } from 'node:crypto';
import type { PinnedWire } from './pinned-run.ts';

/** Signs a run with the key that all processes share. Keeps S18. */
export function sealRun(run: PinnedWire, key: string | undefined): PinnedWire {
  return key === undefined ? run : { ...run, mac: macOf(run, key) };
}

/** Whether a run was submitted, as it is, by somebody who has the key; without a key nobody is asked for it. */
export function isSealed(run: PinnedWire, key: string | undefined): boolean {
  if (key === undefined) return true;
  const [claimed, own] = [Buffer.from(String(run.mac)), Buffer.from(macOf(run, key))];
  return claimed.length === own.length && timingSafeEqual(claimed, own);
}

/** The order of keys is that in which they were written, which JSON keeps on the way. */
function macOf({ mac: _mac, ...run }: PinnedWire, key: string): string {
  return createHmac('sha256', key).update(JSON.stringify(run)).digest('base64url');
}
