import type { Answer } from './answer.ts';

/** A stop set by a person. */
export interface Pause {
  readonly scope: { readonly region?: string; readonly service?: string };
  readonly author: string;
  readonly reason: string;
  /** ISO time at which it was set. */
  readonly since: string;
  /** ISO time at which it ends by itself; absent means until it is lifted. */
  readonly until?: string;
}

/** The kill switch. Unreachable means paused, and a config reload never clears it. Keeps S14. */
export interface Pauses {
  /** The pause that applies now, if any. @throws PortError `LZ_PAUSE_UNAVAILABLE`; the caller treats it as paused. */
  active(scope: { readonly region: string; readonly service: string }): Answer<Pause | undefined>;
  set(pause: Pause): Promise<void>;
  /** Ends the pauses with exactly this scope; returns how many there were. */
  clear(scope: Pause['scope'], by: { readonly author: string; readonly reason: string }): Promise<number>;
  list(): Promise<readonly Pause[]>;
}
