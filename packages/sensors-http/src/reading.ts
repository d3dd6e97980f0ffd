import type { Issue, LazarusEvent } from '@lazarus/core';

/**
 * What an adapter makes of one thing that a monitoring system sent: an event; nothing, with the reason; or what is wrong
 * with it. Refusing is a value.
 */
export type Reading<Reason extends string = string> =
  | { readonly event: LazarusEvent }
  | { readonly ignored: Reason; readonly detail: string }
  | { readonly invalid: readonly Issue[] };
