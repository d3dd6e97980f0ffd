import { createHmac, timingSafeEqual } from 'node:crypto';

/** What processes tell each other through Restate; a seal of one kind is none of another. */
export type SealKind = 'run' | 'signal' | 'alarm';

/** Something that can carry a seal. */
export interface Sealable {
  /** Who sent it had the key. */
  readonly mac?: string;
}

/** Signs with the key that all processes share. Keeps S18. */
export function seal<T extends Sealable>(kind: SealKind, what: T, key: string | undefined): T {
  return key === undefined ? what : { ...what, mac: macOf(kind, what, key) };
}

/** Whether it was sent, as it is, by somebody who has the key; without a key nobody is asked for it. */
export function isSealed(kind: SealKind, what: Sealable, key: string | undefined): boolean {
  if (key === undefined) return true;
  const [claimed, own] = [Buffer.from(String(what.mac)), Buffer.from(macOf(kind, what, key))];
  return claimed.length === own.length && timingSafeEqual(claimed, own);
}

/** The order of keys is that in which they were written, which JSON keeps on the way. */
function macOf(kind: SealKind, { mac: _mac, ...what }: Sealable, key: string): string {
  return createHmac('sha256', key)
    .update(`${kind} ${JSON.stringify(what)}`)
    .digest('base64url');
}
