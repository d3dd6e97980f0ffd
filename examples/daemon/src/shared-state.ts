import type { CompiledSnapshot } from '@lazarus/core/config';
import type { AgedObservation, AgedReservation } from '@lazarus/core/memory';
import type {
  Budgets,
  Locks,
  Pause,
  Pauses,
  RolloutRecord,
  RolloutStore,
  Windows,
} from '@lazarus/core/ports';
import type { JsonFile } from './json-file.ts';

/** Thresholds of the breaker, as the configuration gives them. */
export type BreakerSettings = CompiledSnapshot['settings']['breaker'];

/** What the nodes share, in memory or in Redis. */
export interface Shared {
  readonly windows: Windows;
  readonly budgets: Budgets;
  readonly locks: Locks;
  readonly pauses: Pauses;
  readonly rollouts: RolloutStore;
  /** For the health of the node. */
  readonly checks: readonly { readonly name: string; readonly check: () => Promise<undefined> }[];
  close(): Promise<void>;
}

/** What this process knows from before it started, and keeps for after it ends. */
export interface OwnRecord {
  observations(): Promise<readonly AgedObservation[]>;
  reservations(): Promise<readonly AgedReservation[]>;
  readonly pauses: JsonFile<Pause>;
  readonly rollouts: JsonFile<RolloutRecord>;
}

/** Thresholds as the windows take them. */
export function breakerOf(settings: BreakerSettings) {
  return {
    windowMs: settings.window,
    maxServices: settings.max_services,
    minOpenMs: settings.min_open,
    ...(settings.max_services_fraction === undefined
      ? {}
      : { maxServicesFraction: settings.max_services_fraction }),
    ...(settings.close_below === undefined ? {} : { closeBelow: settings.close_below }),
  };
}
